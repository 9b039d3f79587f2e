"""A metric's work on many texts, dealt out to the cores: a process each, because Python's threads take turns."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from tempfile import TemporaryFile
from typing import Any

Work = Callable[..., list[float]]

_WORKER = "import pickle, sys; work, columns = pickle.load(sys.stdin.buffer); pickle.dump(work(*columns), sys.stdout.buffer)"
_ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def dealt(work: Work, columns: Sequence[Sequence[Any]], *, least: int, threads: int | None = None) -> list[float]:
    """``work(*columns)``, a value a row, of columns that go to several processes in shares of ``least`` rows or more.

    ``work`` must be known by name to a fresh Python: a module's function, or a method of what can be pickled. Processes are fresh
    interpreters and no forks, so it matters neither what threads this one has (torch's) nor how the caller's script begins; they hold no
    pipe that could fill, and end before this returns, also by an error or an interrupt. At most ``threads`` work at once, this process
    among them (default: one a core).

    Raises:
        RuntimeError: a process did not come to its end.
    """
    rows = len(columns[0])
    shares = max(1, min(threads or cores(), rows // least))
    if shares == 1 or not sys.executable or getattr(sys, "frozen", False):  # no interpreter to be started
        return work(*columns)
    ends = [rows * i // shares for i in range(shares + 1)]
    own, *others = [[column[start:stop] for column in columns] for start, stop in pairwise(ends)]
    with ExitStack() as started:
        waiting = [started.enter_context(_started(work, share)) for share in others]
        return [value for values in (work(*own), *(wait() for wait in waiting)) for value in values]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _started(work: Work, columns: Sequence[Sequence[Any]]) -> Generator[Callable[[], list[float]]]:
    """A process at work; what it gives waits for its end and returns what it found."""
    with TemporaryFile() as asked, TemporaryFile() as told:
        pickle.dump((work, columns), asked)
        asked.seek(0)
        environment = {**os.environ, **_ALONE, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # A session of its own: an interrupt from the keyboard reaches this process alone, which ends the other below.
        process = subprocess.Popen([sys.executable, "-P", "-c", _WORKER], stdin=asked, stdout=told, env=environment, start_new_session=True)

        def found() -> list[float]:
            if process.wait():
                raise RuntimeError(f"a process of this metric ended with status {process.returncode}: run it in one, with threads=1")
            told.seek(0)
            return pickle.load(told)

        try:
            yield found
        finally:
            process.kill()
            process.wait()
