"""What other processes do to this machine's cores while we measure."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
WINDOW = 1.0
"""Seconds: the kernel counts in hundredths, so shorter times are looked at together with what came before them."""
SPARE = 0.2
"""Cores' worth of others that is let pass: an idle machine is never quite idle."""


class Sample(NamedTuple):
    """At a time, the seconds that our cores have been busy for anyone, and those that they have been for us."""

    at: float
    busy: float
    own: float


class Load:
    """Watches what others take of the cores that this process may use. ``sample`` gives None where the system does not tell; the load
    average less our threads then stands in."""

    def __init__(self, *, threads: int, sample: Callable[[], Sample | None] | None = None) -> None:
        self.threads, self.cores = threads, len(own_cores())
        self._sample = sample or sampled
        self._samples: deque[Sample] = deque(maxlen=10_000)
        self.mark()

    def mark(self) -> float:
        """Notes where the counters stand; the time."""
        found = self._sample()
        if found is not None:
            self._samples.append(found)
        return time.perf_counter() if found is None else found.at

    def others(self, since: float) -> float:
        """Cores that other processes kept busy, on average, from ``since`` (a time that ``mark`` gave), or from ``WINDOW`` seconds ago if
        that is longer."""
        now = self.mark()
        if not self._samples:
            return max(0.0, os.getloadavg()[0] - self.threads)
        earlier = [s for s in self._samples if s.at <= min(since, now - WINDOW)]
        first, last = (earlier or self._samples)[-1 if earlier else 0], self._samples[-1]
        lasted = last.at - first.at
        return max(0.0, (last.busy - first.busy) - (last.own - first.own)) / lasted if lasted else 0.0


def too_much(others: float, *, threads: int, cores: int) -> bool:
    """Whether others and our threads together want more cores than there are: a ratio of times would tell of them, not of us."""
    return others + threads > cores + SPARE


def own_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def sampled() -> Sample | None:
    """The counters now; None where there is no /proc/stat."""
    try:
        lines = (PROC / "stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return Sample(time.perf_counter(), busy_seconds(lines, own_cores()), own_seconds())


def busy_seconds(lines: list[str], cores: list[int]) -> float:
    """Seconds that these cores have worked, in all, from the lines of /proc/stat: user, nice, system, interrupts, and what the hypervisor
    gave to other machines."""
    names, ticks = {f"cpu{core}" for core in cores}, 0
    for name, *fields in map(str.split, lines):
        if name in names:
            user, nice, system, _idle, _waiting, hard, soft, stolen = map(int, fields[:8])
            ticks += user + nice + system + hard + soft + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """CPU seconds of this process, of the processes that it has waited for, and of those that it has running."""
    return time.process_time() + children_seconds() + sum(_seconds_of(pid) for pid in _children(os.getpid()))


def children_seconds() -> float:
    """CPU seconds of the processes that this one has waited for; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children(pid: int) -> list[int]:
    """The processes below one, at any depth; those that end meanwhile are left out."""
    found: list[int] = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:
            continue
    return [*found, *(below for child in found for below in _children(child))]


def _seconds_of(pid: int) -> float:
    """CPU seconds of a running process and of those that it has waited for."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
