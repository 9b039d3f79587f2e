"""What each stage decodes, and what it takes from those before it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_run import METHODS, FakeEngine, compare, fake_comparison

from edt_sampling.experiments.choice import Choice
from edt_sampling.experiments.comparison import Comparison, request_id
from edt_sampling.experiments.stage import FORCED
from edt_sampling.experiments.stages import FORCED_TEMPERATURES, dev_stage, forced_stage, shuffled_stage
from edt_sampling.experiments.stages import test_stage as stage_of_test
from edt_sampling.protocol import Completion, Request, Trace
from edt_sampling.store import Reader, StoredSetting

FIXED = ["fixed:temperature=0", "fixed:temperature=0.2", "fixed:temperature=0.6", "fixed:temperature=1"]
MIXED = {"name": "Mixed", "policies": ["fixed:temperature=0", "udt:t0=1,theta=1"], "filters": "none"}


class Uneven(FakeEngine):
    """Every token at a temperature of its own, and texts of 2 to 7 tokens; sample 2 has none."""

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        whole = super().complete(request, setting, sample)
        if request.settings[setting].policy.name != "edt":
            return whole
        length = 0 if sample == 2 else 2 + request.id % 6
        temperature = np.arange(length) / 10 + sample + (request.seed == 3) / 100
        trace = Trace(**{name: values[:length] for name, values in whole.trace.__dict__.items()} | {"temperature": temperature})
        return Completion(**whole.__dict__ | {"trace": trace})


def roles(settings: tuple[StoredSetting, ...]) -> list[tuple[str, str, str]]:
    return [(s.method, s.policy, s.role) for s in settings]


def test_dev_decodes_every_setting_of_the_recipe():
    stage = dev_stage(fake_comparison(methods=[*METHODS, MIXED]))
    assert roles(stage.settings[:2]) == [("Fixed", FIXED[0], "greedy"), ("Fixed", FIXED[1], "fixed")]
    assert {s.role for s in stage.settings if s.method == "EDT"} == {"candidate"}
    assert [s.policy for s in stage.settings] == [p for m in METHODS for p in m["policies"]] + MIXED["policies"]
    assert (stage.split, stage.texts) == ("dev", 4 * 9 * 2)


def test_greedy_is_no_candidate_wherever_it_stands_and_filters_go_with_their_method():
    *_, greedy, udt = dev_stage(fake_comparison(methods=[*METHODS, MIXED])).settings
    assert (greedy.role, udt.role) == ("greedy", "candidate")
    assert (greedy.filters, udt.filters) == ("temperature", "temperature")


@pytest.mark.parametrize("split", ["dev", "test"])
def test_forced_stages_add_a_dense_grid_of_fixed_temperatures(split: str):
    stage = forced_stage(fake_comparison(), split)
    assert (stage.name, stage.split, stage.forced) == (FORCED[split], split, True)
    fixed = [float(s.policy.partition("=")[2]) for s in stage.settings if s.role == "fixed"]
    assert sorted(fixed) == sorted({*FORCED_TEMPERATURES, 0.2, 0.6, 1})
    assert (min(fixed), max(fixed)) == (0.1, 2)
    assert [s for s in stage.settings if s.method == "EDT"] == list(dev_stage(fake_comparison()).settings[4:])


def test_the_test_stage_has_the_curve_what_dev_chose_and_the_subjects_matches():
    comparison = fake_comparison(methods=[*METHODS, MIXED])
    dev = dev_stage(comparison).settings
    matched = {"matched entropy": 0.45, "matched temperature": 0.6}
    choice = Choice(chosen=(dev[5], dev[8]), tuned=(dev[6], dev[8]), baseline=FIXED[2], matched=matched)  # type: ignore[arg-type]
    stage = stage_of_test(comparison, choice, 3)
    assert roles(stage.settings) == [
        ("Fixed", FIXED[0], "greedy"),
        ("Fixed", FIXED[1], "fixed"),
        ("Fixed", FIXED[2], "baseline"),
        ("Fixed", FIXED[3], "fixed"),
        ("EDT", "edt:t0=0.8,theta=0.2", "chosen"),
        ("Mixed", "udt:t0=1,theta=1", "chosen"),
        ("EDT", "edt:t0=1,theta=0.5", "tuned"),
        ("Mixed", "udt:t0=1,theta=1", "tuned"),
        ("Fixed, matched entropy", "fixed:temperature=0.45", "matched entropy"),
        ("Fixed, matched temperature", "fixed:temperature=0.6", "matched temperature"),
    ]
    assert [s.filters for s in stage.settings if s.method == "Mixed"] == ["temperature"] * 2
    assert {s.filters for s in stage.settings if s.method != "Mixed"} == {"temperature,top_p=0.95"}
    assert [e.id for e in stage.examples] == ["test0", "test1", "test2"]


def test_requests_are_those_of_the_recipe():
    requests = dev_stage(fake_comparison(seeds=[3, 0], max_new_tokens=9, stop=["."])).requests(1)
    assert [r.seed for r in requests] == [0, 3]
    for request in requests:
        assert (request.id, request.prompt) == (request_id("dev1"), "prompt 1")
        assert (request.samples, request.max_new_tokens, request.stop, len(request.settings)) == (2, 9, (".",), 7)


def uneven_run(out: Path) -> tuple[Comparison, Reader]:
    comparison = fake_comparison(3, dev=2, seeds=[0, 3], samples=3, max_new_tokens=20)
    compare(comparison, out, Uneven())
    return comparison, Reader(comparison.folder(out))


def test_the_shuffled_temperatures_are_those_of_the_text_itself(tmp_path: Path):
    comparison, reader = uneven_run(tmp_path)
    with reader:
        subject = next(i for i, s in enumerate(reader.settings("test")) if s.role == "chosen")
        pairs = list(zip(reader.generations("test", setting=subject), reader.traces("test", setting=subject), strict=True))
        stage = shuffled_stage(comparison, reader, 3)
        again = shuffled_stage(comparison, reader, 3)
    assert roles(stage.settings) == [("EDT, shuffled", "scheduled", "shuffled")]
    assert len(stage.examples) == 3
    for generation, trace in pairs:
        (dealt,) = stage.schedules(generation.unit, generation.seed).values()
        assert dealt.shape == (3, 20)
        own, row = np.sort(trace.temperature.astype(float)), dealt[generation.sample]
        for start in range(0, 20 - len(own) + 1, max(1, len(own))):  # longer texts go on with further rounds of the same
            assert np.array_equal(np.sort(row[start : start + len(own)]), own)
        assert np.array_equal(again.schedules(generation.unit, generation.seed)[0], dealt)
    assert [len(t.temperature) for g, t in pairs if g.sample == 2] == [0] * 6
    assert not stage.schedules(0, 0)[0][2].any(), "a text without tokens has no temperature to deal"


def test_prompts_seeds_samples_and_rounds_are_shuffled_apart(tmp_path: Path):
    class Same(FakeEngine):
        """Every text has these seven temperatures."""

        def complete(self, request: Request, setting: int, sample: int) -> Completion:
            found = super().complete(request, setting, sample)
            return replace(found, trace=replace(found.trace, temperature=np.arange(7) / 10))

    comparison = fake_comparison(3, dev=2, seeds=[0, 3], samples=3, max_new_tokens=14)
    compare(comparison, tmp_path, Same())
    with Reader(comparison.folder(tmp_path)) as reader:
        stage = shuffled_stage(comparison, reader, 3)
        rows = [row for unit in range(3) for seed in (0, 3) for row in stage.schedules(unit, seed)[0]]
    orders = [tuple(half) for row in rows for half in (row[:7], row[7:])]
    assert len(orders) == len(set(orders)) == 3 * 2 * 3 * 2


def test_a_fixed_subject_is_not_shuffled_and_has_no_match(tmp_path: Path):
    cool = {"name": "Cool", "policies": ["fixed:temperature=0.4"], "filters": "temperature,top_k=2"}
    comparison = fake_comparison(2, dev=2, methods=[METHODS[0], cool])
    compare(comparison, tmp_path)
    with Reader(comparison.folder(tmp_path)) as reader:
        assert "shuffled" not in reader.stages()
        assert [s.role for s in reader.settings("test")].count("chosen") == 1
        assert not {"matched entropy", "matched temperature"} & {s.role for s in reader.settings("test")}
