"""A complete run's findings: what they are made of, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import METHODS, FakeEngine, compare, fake_comparison

from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Findings
from edt_sampling.experiments.verdict import sentence
from edt_sampling.protocol import Completion, Forced, Request
from edt_sampling.store import Reader, StoreError

UDT = {"name": "UDT", "policies": ["udt:t0=0.6,theta=1", "udt:t0=0.9,theta=1", "udt:t0=1,theta=1"]}
FIXED = METHODS[0]


def comparison(**fields: Any) -> Any:
    return fake_comparison(6, dev=4, methods=[*METHODS, UDT], seeds=[0, 3], **fields)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    compare(comparison(), out)
    return comparison().folder(out)


@pytest.fixture(scope="module")
def found(run: Path) -> Findings:
    return found_in(run)


def found_in(run: Path, **more: Any) -> Findings:
    with Reader(run) as reader:
        return find(reader, **more)


def test_it_says_what_was_run(found: Findings):
    assert (found.model, found.task, found.content) == ("bundled", "docstrings-summary", comparison().content)
    assert (found.dev_prompts, found.test_prompts, found.samples, found.seeds, found.sequential) == (4, 6, 2, (0, 3), False)
    assert (found.subject, found.primary, found.diversity) == ("EDT", "rouge_l", "self_bleu")
    assert found.recipe == comparison().recipe.model_dump(mode="json")
    assert found.environments[0]["engine"] == "fake"
    assert found.forced_tokens == 6 * 8


def test_the_headline_is_the_subject_and_the_others_follow(found: Findings):
    assert found.headline == sentence(found.effects[0])
    assert [(e.method, e.metric) for e in found.effects] == [("EDT", "rouge_l"), ("UDT", "rouge_l")]
    assert found.sentences[0] == sentence(found.effects[1])
    assert "Both tuned by EDA on dev" in found.sentences[1]
    assert found.sentences[-1].startswith("Without sampling: ")


def test_rows_are_of_every_stage(found: Findings):
    assert [r.stage for r in found.rows] == ["test"] * 10 + ["shuffled"] + ["dev"] * 10
    assert [r.role for r in found.rows[:11]].count("baseline") == 1
    assert [r.policy for r in found.rows if r.stage == "dev"] == [p for m in (*METHODS, UDT) for p in m["policies"]]
    assert all("effect" not in r.values for r in found.rows if r.stage != "dev")


def test_the_shuffled_stage_decodes_at_the_subjects_heat(found: Findings):
    rows = {r.role: r for r in found.rows if r.method.startswith("EDT") and r.stage != "dev"}
    assert rows["shuffled"].values["temperature"].mean == pytest.approx(rows["chosen"].values["temperature"].mean, abs=0.15)
    assert {row.other_method for row in found.ablations} == {"EDT, shuffled", "Fixed, matched entropy", "Fixed, matched temperature"}


def test_parts_have_what_the_page_shows(found: Findings):
    assert len(found.band) == 41
    shown = [("Fixed", "baseline"), ("EDT", "chosen"), ("UDT", "chosen")]
    policies = [next(r.policy for r in found.rows if (r.method, r.role) == one) for one in shown]
    for parts in (found.entropies, found.temperatures, found.lengths):
        assert [(d.method, d.policy) for d in parts] == [(method, p) for (method, _), p in zip(shown, policies, strict=True)]
    assert [policy for policy, _ in found.acting.temperatures] == METHODS[1]["policies"]
    assert {(b.method, b.k) for b in found.best_of} <= {(m, k) for m in ("EDT", "UDT") for k in (1, 2, 3)}
    assert [c.why for c in found.contrasts] == ["largest gain", "largest loss", "median"]
    assert {p.policy for p in found.forced if p.method != "Fixed"} == {p for m in (METHODS[1], UDT) for p in m["policies"]}


def test_a_sentence_of_a_ludicrously_good_method_is_better_than_fixed(tmp_path: Path):
    class Good(FakeEngine):
        """EDT is right where others of its diversity err: its last two words are the reference's, the others' are not."""

        def complete(self, request: Request, setting: int, sample: int) -> Completion:
            found = super().complete(request, setting, sample)
            last = ["wrong", "wrong"] if request.settings[setting].policy.name == "fixed" else ["given", "matrix"]
            return Completion(**found.__dict__ | {"text": " ".join([*found.text.split()[:5], *last])})

    edt = {"name": "EDT", "policies": ["edt:t0=0.5,theta=1"]}
    small = fake_comparison(40, dev=4, methods=[FIXED, edt])
    compare(small, tmp_path, Good())
    told = found_in(small.folder(tmp_path))
    assert told.effects[0].call == "better"
    assert told.headline.startswith("EDT helps here: EDT (edt:t0=0.5,theta=1) is 0.")


def test_signatures_say_what_each_number_is(found: Findings):
    assert found.signatures["rouge_l"].startswith("rougeL|f1")
    assert "R:1.0|" in found.signatures["eda"], "greedy writes the reference"
    assert found.signatures["eda"].endswith("|Q:rouge_l|R from:greedy on dev")
    assert "bootstrap" in found.signatures["effect"]
    assert "0.99" in found.signatures["forced"]


def test_without_greedy_eda_aims_at_the_best_of_dev(tmp_path: Path):
    warm = {"name": "Fixed", "policies": FIXED["policies"][1:]}
    small = fake_comparison(2, dev=2, methods=[warm, METHODS[1]])
    compare(small, tmp_path)
    told = found_in(small.folder(tmp_path))
    assert told.signatures["eda"].endswith("R from:the best setting on dev")
    best = max(r.values["rouge_l"].mean for r in told.rows if r.stage == "dev")
    assert f"R:{best!r}|" in told.signatures["eda"]


def test_other_metrics_are_computed_from_the_same_texts(run: Path, found: Findings):
    other = found_in(run, metrics=["bleu", "self_bleu", "rouge_l"])
    assert other.primary == "bleu"
    assert [(e.method, e.metric) for e in other.effects] == [("EDT", "bleu"), ("UDT", "bleu"), ("EDT", "rouge_l"), ("UDT", "rouge_l")]
    assert set(other.signatures) >= {"bleu", "rouge_l"}
    assert [r.values["rouge_l"].mean for r in other.rows] == [r.values["rouge_l"].mean for r in found.rows]


def test_equal_runs_find_the_same(found: Findings, tmp_path: Path):
    compare(comparison(), tmp_path, FakeEngine(seconds=0.001))
    assert found_in(comparison().folder(tmp_path)) == found


def test_unequal_budgets_and_undefined_scores_are_noted(found: Findings, tmp_path: Path):
    class Terse(FakeEngine):
        def complete(self, request: Request, setting: int, sample: int) -> Completion:
            found = super().complete(request, setting, sample)
            return Completion(**found.__dict__ | ({"text": "value"} if request.prompt == "prompt 1" else {}))

    assert found.notes == ()
    small = fake_comparison(3, dev=2, methods=[FIXED, {**METHODS[1], "policies": METHODS[1]["policies"][:2]}])
    compare(small, tmp_path, Terse())
    notes = found_in(small.folder(tmp_path)).notes
    assert notes[0].startswith("unequal budgets: Fixed 3, EDT 2 settings; ")
    assert notes[1] == "distinct_2: undefined for 6 of 12 prompts x settings of dev, left out"
    assert notes[2].startswith("distinct_2: undefined for 9 of 27 prompts x settings of test")


class Failing(FakeEngine):
    def __init__(self, fails: Callable[[Request], bool]) -> None:
        super().__init__()
        self.fails = fails

    def generate(self, requests: Any) -> Any:
        if self.fails(requests[0]):
            raise KeyboardInterrupt
        return super().generate(requests)

    def force(self, request: Request, text: str) -> Forced:
        if self.fails(request):
            raise KeyboardInterrupt
        return super().force(request, text)


@pytest.mark.parametrize(
    ("stage", "settings", "prompt"),
    [("dev", 10, 2), ("forced-dev", 46, 1), ("test", 10, 4), ("forced-test", 46, 5), ("shuffled", 1, 0), ("shuffled", 1, 5)],
)
def test_a_run_that_is_not_complete_is_refused_by_its_stage(tmp_path: Path, stage: str, settings: int, prompt: int):
    """Each stage is known by its number of settings, and test prompts by theirs, of which dev has four."""

    def fails(request: Request) -> bool:
        return len(request.settings) == settings and request.prompt == f"prompt {prompt}"

    with pytest.raises(KeyboardInterrupt):
        compare(comparison(), tmp_path, Failing(fails))
    with Reader(comparison().folder(tmp_path)) as reader, pytest.raises(StoreError, match=r"not complete .stage") as error:
        find(reader)
    assert f"(stage {stage}): the same edt compare goes on with it" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_that_stopped_before_its_ablation_began_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("edt_sampling.experiments.compare.shuffled_stage", stop)
        with pytest.raises(KeyboardInterrupt):
            compare(comparison(), tmp_path)
    with Reader(comparison().folder(tmp_path)) as reader:
        assert "shuffled" not in reader.stages()
        with pytest.raises(StoreError, match="stage shuffled"):
            find(reader)


def test_a_run_without_a_stage_is_refused(tmp_path: Path):
    with comparison().writer(tmp_path) as writer, Reader(writer.path) as reader, pytest.raises(StoreError, match="stage forced-dev"):
        find(reader)


def test_a_fixed_subject_has_no_ablations(tmp_path: Path):
    cool = {"name": "Cool", "policies": ["fixed:temperature=0.4"], "filters": "temperature,top_k=2"}
    small = fake_comparison(3, dev=2, methods=[FIXED, cool])
    compare(small, tmp_path)
    told = found_in(small.folder(tmp_path))
    assert (told.subject, told.ablations) == ("Cool", ())
    assert np.isfinite(told.effects[0].outside)
