"""A run goes on where it was, and ends as if it had never stopped."""

from pathlib import Path

import pytest
from fake_run import FakeEngine, FakeTask, decode, exported, fake_plan

from edt_sampling.experiments.plan import make_plan, request_id
from edt_sampling.experiments.run import run
from edt_sampling.store import Reader


def test_resume_ends_with_the_same_generations(tmp_path: Path):
    plan = fake_plan(6, seeds=[0, 3])
    decode(plan, tmp_path / "whole")
    with plan.writer(tmp_path / "parts") as writer:
        units = run(plan, engine=FakeEngine(), writer=writer)
        assert [next(units), next(units)] == [0, 1]
    assert decode(plan, tmp_path / "parts") == [2, 3, 4, 5]
    assert exported(plan, tmp_path / "parts") == exported(plan, tmp_path / "whole")


def test_a_complete_run_asks_the_engine_for_nothing(tmp_path: Path):
    plan, engine = fake_plan(3), FakeEngine()
    decode(plan, tmp_path)
    assert decode(plan, tmp_path, engine) == []
    assert engine.asked == []


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, MemoryError])
def test_a_unit_that_fails_leaves_nothing_behind(tmp_path: Path, failure: type[BaseException]):
    class Failing(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            if len(self.asked) == 2:
                raise failure("as tested")
            return super().generate(requests)

    plan = fake_plan(4)
    with pytest.raises(failure):
        decode(plan, tmp_path, Failing())
    with Reader(plan.folder(tmp_path)) as reader:
        assert reader.done() == [0, 1]
        assert {g.unit for g in reader.generations()} == {0, 1}


def test_another_environment_is_told_once_and_recorded(tmp_path: Path):
    plan, told = fake_plan(4), []
    with plan.writer(tmp_path) as writer:
        next(run(plan, engine=FakeEngine(), writer=writer, warn=told.append))
    assert told == []
    other = FakeEngine(description={"engine": "fake", "threads": 4, "versions": {"torch": "2.1"}})
    decode(plan, tmp_path, other, told.append)
    assert len(told) == 1
    assert "threads 2 -> 4" in told[0]
    assert "versions.torch 2.0 -> 2.1" in told[0]
    assert "\n" not in told[0]
    with Reader(plan.folder(tmp_path)) as reader:
        assert [e["threads"] for e in reader.environments()] == [2, 4]


def test_an_engine_that_owes_texts_is_a_bug(tmp_path: Path):
    class Short(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            for completions in super().generate(requests):
                yield completions[:-1]

    with pytest.raises(RuntimeError, match="owes"):
        decode(fake_plan(), tmp_path, Short())


def test_prompts_are_checked_before_the_first_is_decoded(tmp_path: Path):
    class Checking(FakeEngine):
        def check(self, request):  # type: ignore[no-untyped-def]
            if request.prompt == "prompt 3":
                raise ValueError("prompt is too long")

    engine = Checking()
    with pytest.raises(ValueError, match="example x3: prompt is too long"):
        decode(fake_plan(), tmp_path, engine)
    assert engine.asked == []


def test_request_ids_depend_on_the_example_alone():
    assert request_id("x") == request_id("x") != request_id("y")
    assert 0 <= request_id("numpy.linalg:solve") < 2**63
    short, long = fake_plan(2).requests(1), fake_plan(4, samples=7, seeds=[0, 1]).requests(1)
    assert short[0].id == long[0].id == long[1].id
    assert [r.seed for r in long] == [0, 1]


def test_the_hash_tells_what_decides_the_texts():
    base = fake_plan().content
    for same in ({"threads": 4}, {"metrics": ["length"]}, {"device": "cpu"}, {"cache_bytes": 10**9}, {"model": "elsewhere"}):
        assert fake_plan(**same).content == base
    for other in ({"samples": 3}, {"seeds": [1]}, {"filters": "top_k=5"}, {"max_new_tokens": 9}, {"stop": ["."]}, {"dtype": "float32"}):
        assert fake_plan(**other).content != base
    assert fake_plan(size=4).content != base
    assert make_plan(fake_plan().recipe, task=FakeTask(), model_fingerprint="other").content != base


def test_examples_must_be_there_and_differ():
    class Twice(FakeTask):
        def read(self, limit):  # type: ignore[no-untyped-def]
            return super().read(1) * 2

    with pytest.raises(ValueError, match="two examples have the id 'x0'"):
        make_plan(fake_plan().recipe, task=Twice(), model_fingerprint="fake")
    with pytest.raises(ValueError, match="no examples"):
        make_plan(fake_plan().recipe, task=FakeTask(0), model_fingerprint="fake")
