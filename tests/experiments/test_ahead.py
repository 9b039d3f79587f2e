"""Several prompts at once: each is asked for once, what is finished is kept whatever happens, and the run is that of one at a time."""

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Barrier, Event, Lock, current_thread, main_thread
from typing import Any

import pytest
from fake_run import FakeEngine, compare, exported, fake_comparison

from edt_sampling.experiments.compare import Session
from edt_sampling.experiments.run import decode
from edt_sampling.experiments.stages import dev_stage
from edt_sampling.protocol import Completion, Request
from edt_sampling.store import Reader


class Wide(FakeEngine):
    """Takes so many prompts at once; ``meet`` is called within each."""

    def __init__(self, ahead: int, meet: Any = lambda request: None) -> None:
        super().__init__()
        self.ahead, self.meet = ahead, meet
        self.here = self.most = 0
        self.lock = Lock()

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        with self.lock:
            self.here += 1
            self.most = max(self.most, self.here)
        self.meet(requests[0])
        yield from super().generate(requests)
        with self.lock:
            self.here -= 1


def small() -> Any:
    return fake_comparison(6, dev=5, seeds=[0, 3])


def done(out: Path, stage: str = "dev") -> list[int]:
    with Reader(small().folder(out)) as reader:
        return reader.done(stage)


def test_as_many_are_under_way_as_the_engine_takes(tmp_path: Path):
    barrier, engine = Barrier(5), Wide(5)

    def meet(request: Request) -> None:
        if int(request.prompt[-1]) < 5 and len(engine.asked) < 5:  # type: ignore[arg-type]
            barrier.wait(20)

    engine.meet = meet
    compare(small(), tmp_path, engine)
    assert engine.most == 5
    assert not barrier.broken


@pytest.mark.parametrize("ahead", [2, 3, 100])
def test_the_run_is_that_of_one_at_a_time(tmp_path: Path, ahead: int):
    compare(small(), tmp_path / "one", Wide(1))
    engine = Wide(ahead)
    ran = compare(small(), tmp_path / "many", engine)
    assert engine.most <= ahead
    assert sorted(unit for stage, unit in ran if stage == "test") == list(range(6))
    assert exported(small(), tmp_path / "many") == exported(small(), tmp_path / "one")


def test_one_at_a_time_runs_in_order_and_in_this_thread(tmp_path: Path):
    threads: set[Any] = set()
    ran = compare(small(), tmp_path, Wide(1, lambda request: threads.add(current_thread())))
    assert [unit for stage, unit in ran if stage == "dev"] == [0, 1, 2, 3, 4]
    assert threads == {main_thread()}


class Failing(Wide):
    """The prompt of this number fails once all others are done; with ``stop``, those that wait fail when they are told to."""

    def __init__(self, number: int, failure: type[BaseException], *, after: int) -> None:
        super().__init__(5, self._meet)
        self.number, self.failure, self.after = number, failure, after
        self.finished, self.stopped = Event(), Event()

    def _meet(self, request: Request) -> None:
        number = int(request.prompt[-1])  # type: ignore[arg-type]
        if number == self.number:
            self.finished.wait(20)
            raise self.failure("as tested")
        if number >= self.after:
            self.stopped.wait(20)
            raise RuntimeError("stopped")

    def stop(self) -> None:
        self.stopped.set()


@pytest.mark.parametrize("failure", [ValueError, ConnectionError, MemoryError])
def test_a_failure_comes_after_what_is_finished_is_kept(tmp_path: Path, failure: type[BaseException]):
    engine, told = Failing(2, failure, after=4), []
    with small().writer(tmp_path) as writer:
        units = decode(dev_stage(small()), engine=engine, writer=writer)
        told += [next(units) for _ in range(3)]
        engine.finished.set()
        with pytest.raises(failure, match="as tested"):
            next(units)
    assert sorted(told) == done(tmp_path) == [0, 1, 3]
    assert engine.stopped.is_set(), "the prompt that was still under way was ended"
    compare(small(), tmp_path, Wide(5))
    compare(small(), tmp_path / "whole")
    going_on, whole = (sorted(exported(small(), out).splitlines()) for out in (tmp_path, tmp_path / "whole"))
    assert going_on == whole, "but for the order of the stages: here dev began before its references were forced"


class Stuck(Wide):
    """Two at once: one waits with the first prompt, the other does three more and waits with the last, which is when these are finished."""

    def __init__(self) -> None:
        super().__init__(2, self._meet)
        self.reached, self.stopped = Event(), Event()

    def _meet(self, request: Request) -> None:
        if request.prompt in ("prompt 0", "prompt 4"):
            if request.prompt == "prompt 4":
                self.reached.set()
            self.stopped.wait(20)
            raise RuntimeError("stopped")

    def stop(self) -> None:
        self.stopped.set()


def test_an_interrupt_keeps_what_is_finished_even_if_nobody_has_taken_it(tmp_path: Path):
    engine, comparison, taken = Stuck(), small(), list[int]()

    def watch(stage: Any, units: Iterator[int], count: int) -> None:
        if stage.forced:
            deque(units)
            return
        taken.append(next(units))
        assert engine.reached.wait(20)
        raise KeyboardInterrupt

    with comparison.writer(tmp_path) as writer, Reader(writer.path) as reader:
        session = Session(comparison=comparison, engine=engine, writer=writer, reader=reader, watch=watch, tell=print, warn=print)
        with pytest.raises(KeyboardInterrupt):
            session.run()
    assert taken == [1]
    assert done(tmp_path) == [1, 2, 3]
    assert engine.stopped.is_set()


def test_an_engine_that_cannot_be_stopped_is_not_waited_for(tmp_path: Path):
    forever = Event()
    engine = Wide(5, lambda request: forever.wait(60) if request.prompt != "prompt 0" else None)
    with small().writer(tmp_path) as writer:
        units = decode(dev_stage(small()), engine=engine, writer=writer)
        assert next(units) == 0
        units.close()
    forever.set()
    assert done(tmp_path) == [0]


def test_nothing_is_begun_that_is_not_pending(tmp_path: Path):
    compare(small(), tmp_path, Wide(3))
    engine = Wide(3)
    assert compare(small(), tmp_path, engine) == []
    assert engine.asked == []
