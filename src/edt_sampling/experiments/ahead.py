"""Units of work several at once: threads do them, and one thread takes what is done, in the order in which it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, Protocol, TypeVar, runtime_checkable

from edt_sampling.protocol import Engine

T = TypeVar("T")
MOMENT = 0.05
"""Seconds between two calls to stop: a thread may have begun a unit just after the one before."""


@runtime_checkable
class Stoppable(Protocol):
    """An engine that can end what other threads wait for: their calls raise."""

    def stop(self) -> None: ...


class Ahead(Generic[T]):
    """``work`` on each of ``units``, ``width`` of them at once, from the moment that this is made.

    Iterating gives the results, and raises the first failure. ``land`` must be called in the end. The threads do not keep a process alive.
    """

    def __init__(self, work: Callable[[int], T], units: Sequence[int], *, width: int) -> None:
        self._work, self._waiting = work, deque(units)
        self._left = len(units)
        self._landed = SimpleQueue[T | _Failed]()
        self._threads = [Thread(target=self._run, name=f"edt unit {i}", daemon=True) for i in range(min(width, len(units)))]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[T]:
        while self._left:
            found = self._landed.get()
            self._left -= 1
            if isinstance(found, _Failed):
                raise found.failure
            yield found

    def land(self, engine: Engine) -> list[T]:
        """Begins nothing more, stops what is under way where the engine can, and returns the results that nobody has taken."""
        self._waiting.clear()
        while isinstance(engine, Stoppable) and any(thread.is_alive() for thread in self._threads):
            engine.stop()
            self._threads[0].join(MOMENT)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
        return list(self._untaken())

    def _run(self) -> None:
        while True:
            try:
                unit = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._landed.put(self._work(unit))
            except BaseException as failure:
                self._landed.put(_Failed(failure))
                return

    def _untaken(self) -> Iterator[T]:
        while True:
            try:
                found = self._landed.get_nowait()
            except Empty:
                return
            if not isinstance(found, _Failed):
                yield found


class _Failed:
    def __init__(self, failure: BaseException) -> None:
        self.failure = failure
