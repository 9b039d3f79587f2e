"""A comparison goes on where it was, and ends as if it had never stopped."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fake_run import FakeEngine, compare, exported, fake_comparison

from edt_sampling.experiments import compare as module
from edt_sampling.protocol import Completion, Forced, Request
from edt_sampling.store import Reader

STAGES = ["forced-dev", "dev", "forced-test", "test", "shuffled"]


class Failing(FakeEngine):
    """Fails at the call of this number, of generating, forcing and splitting into pieces alike."""

    def __init__(self, at: int, failure: type[BaseException] = KeyboardInterrupt) -> None:
        super().__init__()
        self.left, self.failure = at, failure

    def _call(self) -> None:
        if self.left == 0:
            raise self.failure("as tested")
        self.left -= 1

    def generate(self, requests: Any) -> Iterator[list[Completion]]:
        self._call()
        return super().generate(requests)

    def force(self, request: Request, text: str) -> Forced:
        self._call()
        return super().force(request, text)

    def pieces(self, tokens: Any) -> list[str]:
        self._call()
        return super().pieces(tokens)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The export of an uninterrupted comparison."""
    out = tmp_path_factory.mktemp("whole")
    compare(small(), out)
    return exported(small(), out)


def small(**fields: Any) -> Any:
    return fake_comparison(3, dev=2, seeds=[0, 3], **fields)


# 2 prompts of dev forced and 2 decoded, 3 of test forced, 3 decoded and 3 shuffled, then the pieces
@pytest.mark.parametrize("at", [*range(14), 18])
def test_stopped_anywhere_it_ends_as_an_uninterrupted_one(tmp_path: Path, at: int, whole: str):
    with pytest.raises(KeyboardInterrupt):
        compare(small(), tmp_path, Failing(at))
    compare(small(), tmp_path)
    assert exported(small(), tmp_path) == whole
    assert pieces(tmp_path)


def test_stopped_at_every_unit_it_runs_each_once(tmp_path: Path, whole: str):
    for units in range(1, 14):
        with pytest.raises(KeyboardInterrupt):
            compare(small(), tmp_path, Failing(1))
        with Reader(small().folder(tmp_path)) as reader:
            assert sum(len(reader.done(stage)) for stage in reader.stages()) == units
    assert compare(small(), tmp_path) == []
    assert exported(small(), tmp_path) == whole


def pieces(out: Path) -> dict[Any, Any]:
    with Reader(small().folder(out)) as reader:
        return reader.pieces("test")


def test_a_complete_run_asks_the_engine_for_nothing(tmp_path: Path):
    ran = compare(small(), tmp_path)
    assert ran == [(stage, unit) for stage in STAGES for unit in range(2 if "dev" in stage else 3)]
    assert compare(small(), tmp_path, Failing(0)) == []


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, MemoryError])
@pytest.mark.parametrize(("at", "stage"), [(1, "forced-dev"), (3, "dev"), (5, "forced-test"), (8, "test"), (11, "shuffled")])
def test_a_unit_that_fails_leaves_nothing_behind(tmp_path: Path, failure: type[BaseException], at: int, stage: str):
    with pytest.raises(failure, match="as tested"):
        compare(small(), tmp_path, Failing(at, failure))
    with Reader(small().folder(tmp_path)) as reader:
        assert list(reader.stages())[-1] == stage
        assert reader.done(stage) == [0]
        assert {g.unit for g in reader.generations(stage)} == (set() if "forced" in stage else {0})
        assert len(list(reader.forced(stage))) == ("forced" in stage)


@pytest.mark.parametrize("at", [1, 3, 6])
def test_another_environment_is_told_once_and_recorded(tmp_path: Path, at: int):
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        compare(small(), tmp_path, Failing(at), warn=told.append)
    assert told == []
    other = FakeEngine(description={"engine": "fake", "threads": 4, "versions": {"torch": "2.1"}})
    compare(small(cache_bytes=10**9), tmp_path, other, warn=told.append)
    assert len(told) == 1
    for change in ("threads 2 -> 4", "versions.torch 2.0 -> 2.1", "cache_bytes default -> 1000000000"):
        assert change in told[0]
    assert "\n" not in told[0]
    with Reader(small().folder(tmp_path)) as reader:
        assert [e["threads"] for e in reader.environments()] == [2, 4]


def test_the_environment_of_a_start_that_did_nothing_is_not_recorded(tmp_path: Path):
    compare(small(), tmp_path)
    told: list[str] = []
    compare(small(), tmp_path, FakeEngine(description={"engine": "other"}), warn=told.append)
    assert told == []
    with Reader(small().folder(tmp_path)) as reader:
        assert [e["engine"] for e in reader.environments()] == ["fake"]


def test_an_engine_that_owes_texts_is_a_bug(tmp_path: Path):
    class Short(FakeEngine):
        def generate(self, requests: Any) -> Iterator[list[Completion]]:
            for completions in super().generate(requests):
                yield completions[:-1]

    with pytest.raises(RuntimeError, match="owes"):
        compare(small(), tmp_path, Short())


class Checking(FakeEngine):
    """Refuses what a condition says, before it generates."""

    def __init__(self, refused: Callable[[Request], bool]) -> None:
        super().__init__()
        self.refused = refused

    def check(self, request: Request) -> None:
        if self.refused(request):
            raise ValueError("prompt is too long")


@pytest.mark.parametrize(("prompt", "stage", "example", "asked"), [("prompt 1", "dev", "dev1", 0), ("prompt 2", "test", "test2", 4)])
def test_prompts_are_checked_before_the_first_of_a_stage_is_decoded(tmp_path: Path, prompt: str, stage: str, example: str, asked: int):
    engine = Checking(lambda request: request.prompt == prompt)
    with pytest.raises(ValueError, match=f"^example {example}: prompt is too long$"):
        compare(small(), tmp_path, engine)
    assert len(engine.asked) == asked
    with Reader(small().folder(tmp_path)) as reader:
        assert list(reader.stages())[-1] == stage
        assert reader.done(stage) == []


def test_a_reference_that_cannot_be_forced_names_its_example(tmp_path: Path):
    class Forcing(FakeEngine):
        def force(self, request: Request, text: str) -> Forced:
            raise ValueError("text is too long")

    engine = Forcing()
    with pytest.raises(ValueError, match=r"^example dev0: text is too long$"):
        compare(small(), tmp_path, engine)
    assert engine.asked == [], "nothing is generated before"


def test_where_the_time_went_is_told_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By a clock that moves a second each time it is read: once before and after each stage, and as often around the whole."""
    told: list[str] = []
    clock = count()
    monkeypatch.setattr(module, "perf_counter", lambda: next(clock))
    compare(small(), tmp_path, tell=told.append)
    stages = "forced-dev 1 s, dev 1 s, forced-test 1 s, test 1 s, shuffled 1 s"
    assert told[-1] == f"this start took 11 s: {stages}, metrics and statistics 6 s"


def test_what_dev_chose_is_told_before_the_first_test_prompt(tmp_path: Path):
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        compare(small(), tmp_path, Failing(1), tell=told.append)
    assert told == []
    compare(small(), tmp_path, tell=told.append)
    chose, can_find, _ = told
    assert chose.startswith("dev chose EDT (edt:t0=")
    assert "the fixed temperature with the best EDA is fixed:temperature=0." in chose
    assert can_find.startswith("3 test prompts find an effect of 0.")
