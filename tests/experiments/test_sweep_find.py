"""A sweep from its grid to its findings, from the store alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_run import FakeTask, compare, fake_comparison
from fake_sweep import FIXED, PlacedEngine, decoded, fake_sweep, found, heat

from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.sweep.grid import sweep_methods
from edt_sampling.experiments.sweep.stage import SWEEP, make_sweep, sweep_stage
from edt_sampling.store import Reader, StoreError, export


@pytest.fixture(scope="module", autouse=True)
def fewer_resamples():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("edt_sampling.experiments.sweep.maps.judge.__kwdefaults__", {"resamples": 500})
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def sweep(out: Path):
    sweep = fake_sweep(12, seeds=[0, 1])
    decoded(sweep, out)
    return sweep


def test_the_default_grid_is_the_papers_ranges_with_fixed_temperatures_as_far():
    fixed, cells = sweep_methods(load_recipe().fixed)
    assert (fixed.name, cells.name) == ("Fixed", "EDT")
    assert fixed.policies == ["fixed:temperature=0", *(f"fixed:temperature={i / 10:g}" for i in range(1, 18))]
    assert len(cells.policies) == len(set(cells.policies)) == 36
    assert [cells.policies[i] for i in (0, 5, 6, 35)] == [
        "edt:t0=0.5,theta=0.1", "edt:t0=0.5,theta=5", "edt:t0=0.7,theta=0.1", "edt:t0=1.5,theta=5",
    ]  # fmt: skip


def test_a_recipes_own_temperatures_stay_and_none_is_added_above_2():
    fixed, cells = sweep_methods(FIXED.model_copy(update={"policies": ["fixed:temperature=0.25"]}), t0=[9, 0.25], theta=[2])
    temperatures = [float(spec.rpartition("=")[2]) for spec in fixed.policies]
    assert temperatures == sorted([*(i / 10 for i in range(1, 21)), 0.25])
    assert cells.policies == ["edt:t0=0.25,theta=2", "edt:t0=9,theta=2"]


def test_other_policies_with_the_two_parameters_can_be_swept():
    for kind, name in (("udt", "UDT"), ("instance-edt", "InstanceEDT")):
        _, cells = sweep_methods(FIXED, kind=kind, t0=[0.5], theta=[1])
        assert (cells.name, cells.policies) == (name, [f"{kind}:t0=0.5,theta=1"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"t0": []}, "t0 must hold one number or more, each once, got none"),
        ({"theta": [1, 2, 1]}, "theta must hold one number or more, each once, got 1, 2, 1"),
        ({"theta": [-1]}, "theta must be a finite number >= 0, got -1"),
        ({"t0": [float("nan")]}, "t0 must be a finite number"),
        ({"kind": "dynatemp"}, "policy dynatemp has no parameter 't0'"),
        ({"kind": "edtt"}, "did you mean 'edt'"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(given: dict, told: str):
    with pytest.raises(ValueError, match=told):
        sweep_methods(FIXED, **given)


def test_a_sweep_is_a_run_of_its_own_on_dev_prompts_alone():
    sweep = fake_sweep(4)
    stage = sweep_stage(sweep)
    assert (stage.name, stage.split, sweep.test) == (SWEEP, "dev", ())
    assert [example.id for example in stage.examples] == [f"dev{i}" for i in range(4)]
    assert [(s.role, s.policy) for s in stage.settings][:3] == [
        ("greedy", "fixed:temperature=0"), ("fixed", "fixed:temperature=0.1"), ("fixed", "fixed:temperature=0.2"),
    ]  # fmt: skip
    assert [s.policy for s in stage.settings if s.role == "candidate"] == [
        "edt:t0=0.6,theta=0.1", "edt:t0=0.6,theta=1", "edt:t0=1.2,theta=0.1", "edt:t0=1.2,theta=1",
    ]  # fmt: skip
    contents = {fake_sweep(4, **more).content for more in ({}, {"theta": (0.1, 2.0)}, {"samples": 3}, {"dev_limit": 3})}
    assert len(contents) == 4
    assert fake_sweep(4, limit=7, metrics=["bleu", "self_bleu"]).content == sweep.content


def test_two_examples_or_more_each_once():
    with pytest.raises(ValueError, match="dev must hold two examples or more, got 1"):
        make_sweep(fake_sweep(2).recipe, dev=FakeTask(1, split="dev"), model_fingerprint="fake")


def test_every_number_of_the_findings(sweep, out: Path):
    """Against the stored rows, with plain means."""
    findings = found(sweep, out=out)
    (one,) = findings.maps
    assert (one.name, one.prompts, one.samples, one.seeds, one.primary, one.qualities) == ("fake", 12, 2, (0, 1), "rouge_l", ("rouge_l",))
    assert (findings.method, findings.t0, findings.theta, findings.regrets) == ("EDT", (0.6, 1.2), (0.1, 1.0), ())
    assert [(c.t0, c.theta) for c in one.cells] == [(0.6, 0.1), (0.6, 1.0), (1.2, 0.1), (1.2, 1.0)]
    assert [row.role for row in one.fixed] == ["greedy"] + ["fixed"] * 14
    with Reader(sweep.folder(out)) as reader:
        settings = [s.policy for s in reader.settings(SWEEP)]
        for cell in one.cells:
            rows = list(reader.generations(SWEEP, setting=settings.index(cell.policy)))
            assert len(rows) == 12 * 2 * 2
            assert cell.values["temperature"].mean == pytest.approx(heat(cell.t0, cell.theta), abs=1e-6)
            assert cell.values["length"].mean == pytest.approx(np.mean([len(row.text.split()) for row in rows]))
            assert {"rouge_l", "self_bleu", "eda", "cold", "temperature", "truncated"} <= cell.values.keys()
    assert all(cell.values["cold"].mean == 0 for cell in one.cells)
    assert next(row for row in one.fixed if row.role == "greedy").values["cold"].mean == 1
    shares = [sum(cell.best[by] for cell in one.cells) for by in ("effect", "eda")]  # type: ignore[index]
    assert shares == pytest.approx([1, 1])


def test_the_share_of_cold_steps_counts_steps_and_not_texts(tmp_path: Path):
    class Cold(PlacedEngine):
        """The first step of every second text is greedy."""

        def complete(self, request, setting, sample):
            found = super().complete(request, setting, sample)
            temperature = found.trace.temperature.copy()
            temperature[0] = 0.0499 if sample == 0 else 0.05
            return replace(found, trace=replace(found.trace, temperature=temperature))

    sweep = fake_sweep(4)
    decoded(sweep, tmp_path, Cold())
    (one,) = found(sweep, out=tmp_path).maps
    words = len(FakeTask(1).examples()[0].references[0].split())
    assert [cell.values["cold"].mean for cell in one.cells] == pytest.approx([1 / (2 * words)] * 4)


def test_the_sentences_say_what_the_map_does(sweep, out: Path):
    findings = found(sweep, out=out)
    (one,) = findings.maps
    assert findings.headline.startswith("No cell of 4 differs from the fixed temperatures at equal diversity on fake (12 dev prompts")
    told = " ".join(findings.sentences)
    for by in ("effect", "eda"):
        cell = one.best[by].cell  # type: ignore[index]
        assert f"T0 = {cell.t0:g}, theta = {cell.theta:g}" in told
    assert f"{one.best['eda'].share:.0%} of resamples" in told
    assert "80% of the time a run of this size sees a distance of" in told


def test_a_run_of_too_few_prompts_says_that_nothing_could_have_been_marked(tmp_path: Path):
    sweep = fake_sweep(5)
    decoded(sweep, tmp_path)
    findings = found(sweep, out=tmp_path)
    assert findings.maps[0].least is not None
    assert findings.maps[0].least > 0.05
    assert "no cell could have been marked" in findings.sentences[0]


def test_a_stopped_sweep_goes_on_and_is_the_same(tmp_path: Path):
    class Stopping(PlacedEngine):
        def generate(self, requests):
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().generate(requests)

    sweep = fake_sweep(5)
    with pytest.raises(KeyboardInterrupt):
        decoded(sweep, tmp_path / "stopped", Stopping())
    with pytest.raises(StoreError, match=r"not complete \(3 of 5 prompts\): the same edt sweep goes on with it"):
        found(sweep, out=tmp_path / "stopped")
    assert decoded(sweep, tmp_path / "stopped") == [3, 4]
    decoded(sweep, tmp_path / "whole")
    texts = []
    for name in ("stopped", "whole"):
        with Reader(sweep.folder(tmp_path / name)) as reader:
            texts.append(list(export(reader)))
    assert texts[0] == texts[1]
    assert found(sweep, out=tmp_path / "stopped") == found(sweep, out=tmp_path / "whole")


def test_maps_of_several_runs_are_told_apart(sweep, out: Path):
    other, shorter = fake_sweep(6, name="other"), fake_sweep(6, max_new_tokens=9)
    for more in (other, shorter):
        decoded(more, out)
    findings = found(sweep, other, out=out)
    assert [one.name for one in findings.maps] == ["fake", "other"]
    assert len(findings.regrets) == 4
    assert "; no cell of 4 differs" in findings.headline
    names = [one.name for one in found(sweep, shorter, out=out).maps]
    assert names == [f"fake ({sweep.content[:8]})", f"fake ({shorter.content[:8]})"]


def test_runs_that_do_not_belong_together_are_refused(sweep, out: Path, tmp_path: Path):
    other, comparison = fake_sweep(4, t0=(0.6, 0.9)), fake_comparison(3, dev=2)
    decoded(other, out)
    with pytest.raises(ValueError, match="holds another grid than"):
        found(sweep, other, out=out)
    compare(comparison, tmp_path)
    with pytest.raises(StoreError, match="is no run of edt sweep"):
        found(comparison, out=tmp_path)


def test_findings_are_the_same_each_time(sweep, out: Path):
    assert found(sweep, out=out) == found(sweep, out=out)


def test_other_metrics_are_scored_from_the_same_texts(sweep, out: Path):
    (one,) = found(sweep, out=out, metrics=["bleu", "rouge_l", "self_bleu", "eda"]).maps
    assert (one.primary, one.qualities) == ("bleu", ("bleu", "rouge_l"))
    assert {"bleu", "rouge_l"} <= one.cells[0].values.keys()
