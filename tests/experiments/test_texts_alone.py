"""A comparison by an engine that shows texts alone: what it runs, what it finds, and what it says of the rest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import FakeEngine, compare, exported, fake_comparison
from rich.console import Console

from edt_sampling.experiments.failures import failures
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Findings
from edt_sampling.experiments.observed import UNSEEN, check_observes, observed
from edt_sampling.protocol import Completion, Forced, Request, Trace
from edt_sampling.reports.page import page
from edt_sampling.reports.table import render
from edt_sampling.store import Reader, StoreError


class Blind(FakeEngine):
    """The fake engine's texts, without what it knows of them."""

    observes = False  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__(description={"engine": "blind", "observes": False})

    def force(self, request: Request, text: str) -> Forced:
        raise ValueError("it cannot force")

    def pieces(self, tokens: Any) -> list[str]:
        raise ValueError("it cannot split")

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        found = super().complete(request, setting, sample)
        unseen = np.full(len(found.trace.tokens), np.nan)
        trace = Trace(tokens=np.full(len(unseen), -1), entropy=unseen, temperature=unseen, probability=unseen)
        return Completion(**found.__dict__ | {"trace": trace})


def small(**fields: Any) -> Any:
    return fake_comparison(6, dev=4, seeds=[0, 3], **fields)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    compare(small(), out, Blind())
    return small().folder(out)


@pytest.fixture(scope="module")
def blind(run: Path) -> Findings:
    with Reader(run) as reader:
        return find(reader)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out = tmp_path_factory.mktemp("seeing")
    compare(small(), out)
    with Reader(small().folder(out)) as reader:
        return find(reader)


def test_it_runs_dev_and_test_and_nothing_else(tmp_path: Path):
    assert compare(small(), tmp_path, Blind()) == [("dev", unit) for unit in range(4)] + [("test", unit) for unit in range(6)]
    assert compare(small(), tmp_path, Blind()) == []


def test_what_it_can_tell_is_what_an_engine_that_sees_tells(blind: Findings, seeing: Findings):
    assert blind.headline == seeing.headline
    assert blind.effects == seeing.effects
    assert blind.paired == seeing.paired
    assert blind.best_of == seeing.best_of
    assert blind.band == seeing.band
    assert blind.lengths[1].shares == seeing.lengths[1].shares
    dev = [[row for row in found.rows if row.stage == "dev"] for found in (blind, seeing)]
    for own, other in zip(*dev, strict=True):
        assert own.values == {name: value for name, value in other.values.items() if name not in ("temperature", "entropy")}


def test_the_rest_is_left_out_and_told_once(blind: Findings, seeing: Findings):
    assert (blind.forced, blind.ablations, blind.entropies, blind.temperatures, blind.forced_tokens) == ((), (), (), (), 0)
    assert blind.acting.temperatures == ()
    assert seeing.forced
    assert seeing.ablations
    assert blind.notes == (UNSEEN,)
    assert seeing.notes == ()
    assert seeing.signatures.keys() - blind.signatures.keys() == {"temperature", "entropy", "forced"}
    assert len(blind.sentences) == 1, "the second view; no ablation, nothing teacher-forced"


def test_its_examples_stand_beside_the_baseline(blind: Findings):
    assert [contrast.why for contrast in blind.contrasts] == ["largest gain", "largest loss", "median"]
    for text in (text for contrast in blind.contrasts for text in contrast.texts):
        assert len(text.tokens) == 1
        assert np.isnan([text.tokens[0].temperature, text.tokens[0].entropy, text.tokens[0].probability]).all()
    (baseline,) = [row.policy for row in blind.rows if row.role == "baseline"]
    assert {text.policy for contrast in blind.contrasts for text in contrast.texts if text.method == "Fixed"} == {baseline}


def test_an_empty_text_has_no_token(tmp_path: Path):
    class Terse(Blind):
        def complete(self, request: Request, setting: int, sample: int) -> Completion:
            found = super().complete(request, setting, sample)
            return Completion(**found.__dict__ | ({"text": ""} if sample else {}))

    compare(small(), tmp_path, Terse())
    with Reader(small().folder(tmp_path)) as reader:
        found = find(reader)
    assert {len(text.tokens) for contrast in found.contrasts for text in contrast.texts if text.sample} == {0}
    assert "(no tokens)" in page(found)


def test_page_and_table_know_it_from_the_store_alone(run: Path, blind: Findings):
    with Reader(run) as reader:
        assert not observed(reader.environments())
    html = page(blind)
    assert html.count(UNSEEN) == 2, "where it is read, and in the findings as JSON"
    for absent in ('id="forced"', "Ablations", 'class="none"', 'class="ramp"', "T and H (nats)", "H differs between settings"):
        assert absent not in html
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"), highlight=False)  # noqa: SIM115
    console.print(render(blind))
    head = next(line for line in console.export_text().splitlines() if line.startswith("on test"))
    assert not {"T", "H"} & set(head.split())


def test_a_run_that_is_not_complete_says_which_stage(tmp_path: Path):
    class Stopping(Blind):
        def generate(self, requests: Any) -> Any:
            if len(self.asked) == 2 * 4 + 2:
                raise KeyboardInterrupt
            return super().generate(requests)

    with pytest.raises(KeyboardInterrupt):
        compare(small(), tmp_path, Stopping())
    with Reader(small().folder(tmp_path)) as reader, pytest.raises(StoreError, match=r"not complete \(stage test\)"):
        find(reader)
    compare(small(), tmp_path, Blind())
    compare(small(), tmp_path / "whole", Blind())
    assert exported(small(), tmp_path) == exported(small(), tmp_path / "whole")


def test_more_prompts_until_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edt_sampling.experiments.compare.FIRST_LOOK", 3)
    monkeypatch.setattr("edt_sampling.experiments.compare.LOOK", 1)
    compare(small(until=9.0), tmp_path, Blind())
    with Reader(small().folder(tmp_path)) as reader:
        assert find(reader).test_prompts == 3
        assert list(reader.stages()) == ["dev", "test"]


def test_failures_are_picked_by_the_rules_that_need_no_entropy(run: Path):
    with Reader(run) as reader:
        assert failures(reader, "truncated", limit=3).picked
        assert failures(reader, "worst", limit=3).rule == "worst"
        assert failures(reader, "uncertain", limit=3).picked == ()


def test_who_needs_more_is_told_by_name():
    check_observes(FakeEngine(), "a test reads distributions")
    with pytest.raises(ValueError, match=r"^engine blind sees texts alone, and a test reads distributions: load the model itself"):
        check_observes(Blind(), "a test reads distributions")
