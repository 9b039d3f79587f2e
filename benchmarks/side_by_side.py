"""The one way to time things here: contenders take turns, round by round, in one run."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.load import children_seconds

LEAST = 0.001
"""Seconds: a contender that is quicker is called so often in a round that its turn lasts as long, because clocks and caches need it."""
FEWEST, MOST = 3, 20
"""Rounds that count."""


class Clock(NamedTuple):
    """Seconds by the wall, and CPU seconds of this process with all its threads and the processes that it has waited for."""

    wall: Callable[[], float]
    cpu: Callable[[], float]


CLOCK = Clock(time.perf_counter, lambda: time.process_time() + children_seconds())


@dataclass(frozen=True)
class Contender:
    """What is timed. ``before`` and ``after`` run outside the timing; what ``before`` returns is handed to ``call``, and a contender that
    has either is called once a turn."""

    call: Callable[..., Any]
    before: Callable[[], Any] | None = None
    after: Callable[[], Any] | None = None

    @property
    def alone(self) -> bool:
        """Whether each call needs its own surroundings."""
        return self.before is not None or self.after is not None


class Timing(NamedTuple):
    """A contender's seconds a call, a number for each round that counts."""

    wall: list[float]
    cpu: list[float]


def side_by_side(
    contenders: Mapping[str, Contender | Callable[[], Any]],
    *,
    seconds: float = 2.0,
    rounds: int | None = None,
    clock: Clock = CLOCK,
) -> dict[str, Timing]:
    """Each contender's times. A round gives everyone a turn, in an order of its own (see ``order``).

    The first round is left out: it compiles and warms. A second one, left out too, tells how often each is called in a turn (see ``LEAST``)
    and how many rounds fit into about ``seconds``, from ``FEWEST`` to ``MOST``. With ``rounds`` given so many are run, every one counts,
    and each contender is called once a turn: for things that take seconds, which the caller has warmed.
    """
    entries = {name: entry if isinstance(entry, Contender) else Contender(entry) for name, entry in contenders.items()}
    calls = dict.fromkeys(entries, 1)
    with _undisturbed():
        if rounds is None:
            for name in entries:
                _turn(entries[name], 1, clock)
            warm = {name: _turn(entries[name], 1, clock)[0] for name in entries}
            calls = {name: 1 if entry.alone else math.ceil(LEAST / max(warm[name], 1e-6)) for name, entry in entries.items()}
            rounds = _rounds(sum(warm[name] * calls[name] for name in entries), seconds)
        found = {name: Timing([], []) for name in entries}
        for turn in range(rounds):
            for name in order(list(entries), turn):
                wall, cpu = _turn(entries[name], calls[name], clock)
                found[name].wall.append(wall)
                found[name].cpu.append(cpu)
    return found


def _rounds(lasts: float, seconds: float) -> int:
    return min(MOST, max(FEWEST, int(seconds / max(lasts, 1e-6))))


def order(names: list[str], turn: int) -> list[str]:
    """The order of a round. Over twice as many rounds as there are contenders each has followed each other one equally often: who comes
    behind a slow one finds the caches full of what that one left, and must not always be the same.

    Source: Williams 1949, designs balanced for the estimation of residual effects; with an odd number every other round is turned round.
    """
    count = len(names)
    zigzag = [(turn + (place + 1) // 2 * (1 if place % 2 else -1)) % count for place in range(count)]
    return [names[place] for place in (reversed(zigzag) if turn % 2 and count % 2 else zigzag)]


def _turn(contender: Contender, calls: int, clock: Clock) -> tuple[float, float]:
    """Wall and CPU seconds a call."""
    given = () if contender.before is None else (contender.before(),)
    wall, cpu = clock.wall(), clock.cpu()
    for _ in range(calls):
        contender.call(*given)
    found = (clock.wall() - wall) / calls, (clock.cpu() - cpu) / calls
    if contender.after is not None:
        contender.after()
    return found


@contextmanager
def _undisturbed() -> Generator[None]:
    """No collection of garbage within a turn."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
