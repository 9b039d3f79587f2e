"""The texts that the page shows are picked by rule, and kept token by token."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import REFERENCE, FakeEngine, compare, fake_comparison
from fake_scores import fixed, setting

from edt_sampling.experiments.contrasts import Picked, contrasts, opponents, pick
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Contrast
from edt_sampling.metrics import load
from edt_sampling.store import Reader, Writer

EDT = setting("EDT", "edt:t0=1,theta=1", "chosen")
MATCHED = setting("Fixed, matched entropy", "fixed:temperature=0.7", "matched entropy")


def test_the_subject_stands_beside_its_match_or_else_the_baseline():
    settings = [fixed(0, "greedy"), fixed(0.3), fixed(0.6, "baseline"), EDT, setting("UDT", "udt:t0=1,theta=1", "chosen")]
    assert opponents(settings) == (2, 3)
    assert opponents([*settings, MATCHED]) == (5, 3)


@pytest.mark.parametrize(
    ("differences", "gain", "loss", "median"),
    [
        ([0.3, -0.1, 0.5, 0.0, -0.4], 2, 4, 3),
        ([0.3, -0.1, 0.5, 0.0], 2, 1, 3),  # the lower median: 0.0
        ([0.5, 0.0, 0.5, 0.0, 0.0, -0.2, -0.2], 0, 5, 1),  # the first of equals
        ([0.0, 0.0], 0, 0, 0),
    ],
)
def test_gain_loss_and_median_are_picked_and_ties_go_to_the_first(differences: list[float], gain: int, loss: int, median: int):
    quality = np.column_stack([np.full(len(differences), 0.4), np.zeros(len(differences)), 0.4 + np.array(differences)])
    found = pick([fixed(0.6, "baseline"), fixed(1), EDT], quality)
    assert [(p.why, p.unit) for p in found] == [("largest gain", gain), ("largest loss", loss), ("median", median)]
    assert [p.difference for p in found] == pytest.approx([differences[gain], differences[loss], differences[median]])


class Spelling(FakeEngine):
    """Tokens that are the words of the text."""

    def pieces(self, tokens: Any) -> list[str]:
        return [f"<{token}>" for token in tokens]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    compare(comparison(), out, Spelling())
    return comparison().folder(out)


def comparison(**fields: Any) -> Any:
    return fake_comparison(6, dev=2, seeds=[0, 3], metrics=["rouge_l", "self_bleu"], **fields)


@pytest.fixture(scope="module")
def shown(run: Path) -> tuple[Contrast, ...]:
    with Reader(run) as reader:
        return find(reader).contrasts


def test_texts_are_paired_and_scored(run: Path, shown: tuple[Contrast, ...]):
    metric: Any = load("rouge_l")()
    with Reader(run) as reader:
        matched, subject = opponents(reader.settings("test"))
        settings, kept = reader.settings("test"), list(reader.generations("test"))
    for contrast in shown:
        assert [(t.method, t.seed, t.sample) for t in contrast.texts] == [
            (settings[side].method, seed, sample) for side in (matched, subject) for seed in (0, 3) for sample in (0, 1)
        ]
        unit = int(contrast.example.removeprefix("test"))
        assert (contrast.prompt, contrast.references) == (f"prompt {unit}", (REFERENCE,))
        for text in contrast.texts:
            side = next(side for side in (matched, subject) if settings[side].method == text.method)
            (stored,) = [g for g in kept if (g.unit, g.setting, g.seed, g.sample) == (unit, side, text.seed, text.sample)]
            assert text.score == pytest.approx(metric.scores([stored.text], [(REFERENCE,)])[0])
            assert text.finish == stored.finish
        left, right = (np.mean([t.score for t in contrast.texts if t.method == settings[side].method]) for side in (matched, subject))
        assert contrast.difference == pytest.approx(right - left)


def test_tokens_carry_their_pieces_and_numbers(run: Path, shown: tuple[Contrast, ...]):
    with Reader(run) as reader:
        (first, *_) = (t for contrast in shown for t in contrast.texts)
        unit = int(shown[0].example.removeprefix("test"))
        trace = next(reader.traces("test", setting=opponents(reader.settings("test"))[0], start=unit))
    assert [t.piece for t in first.tokens] == [f"<{i}>" for i in range(7)]
    assert [t.entropy for t in first.tokens] == trace.entropy.tolist()
    assert [t.temperature for t in first.tokens] == trace.temperature.tolist()
    assert [t.probability for t in first.tokens] == trace.probability.tolist()


def test_only_the_texts_that_are_shown_are_split(run: Path, shown: tuple[Contrast, ...]):
    with Reader(run) as reader:
        keys = set(reader.pieces("test"))
        sides = opponents(reader.settings("test"))
    units = {int(c.example.removeprefix("test")) for c in shown}
    assert keys == {(unit, side, seed, sample) for unit in units for side in sides for seed in (0, 3) for sample in (0, 1)}


def test_a_prompt_whose_texts_are_not_split_is_left_out(run: Path):
    with Reader(run) as reader:
        split = {unit for unit, *_ in reader.pieces("test")}
        other = next(unit for unit in range(6) if unit not in split)
        known = next(iter(split))
        found = contrasts([Picked(other, "a", 0.0), Picked(known, "b", 0.0)], reader=reader, metric=load("rouge_l")())
    assert [c.why for c in found] == ["b"]


def test_more_prompts_pick_anew(tmp_path: Path):
    class Better(FakeEngine):
        """The last prompt is where the subject gains most."""

        def complete(self, request: Any, setting: int, sample: int) -> Any:
            found = super().complete(request, setting, sample)
            policy = request.settings[setting].policy.name
            worse = request.prompt == "prompt 5" and policy == "fixed"
            return type(found)(**found.__dict__ | ({"text": "nothing right"} if worse else {}))

    for limit in (4, 6):
        compare(comparison(limit=limit), tmp_path, Better())
        with Reader(comparison().folder(tmp_path)) as reader:
            found = find(reader).contrasts
        assert [c.why for c in found] == ["largest gain", "largest loss", "median"]
    assert found[0].example == "test5"


def test_the_page_of_a_run_whose_pieces_were_never_kept_has_no_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Writer, "keep_pieces", lambda *arguments: None)
    compare(comparison(), tmp_path)
    with Reader(comparison().folder(tmp_path)) as reader:
        assert find(reader).contrasts == ()
