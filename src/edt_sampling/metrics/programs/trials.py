"""Trials: programs with their tests, each run in a limited process that is killed when its time is over."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from tempfile import TemporaryDirectory, TemporaryFile
from time import monotonic

WALL = 3
"""Wall-clock seconds for each second of CPU time: a machine that is busy must not fail a program."""
_KNOWN: dict[bytes, bool] = {}
"""What came of each program, by its hash: equal programs are run once a process."""


@dataclass(frozen=True)
class Limits:
    """``seconds`` of CPU time (three times as many by the clock), ``memory`` (address space) and ``file`` (the largest) in bytes."""

    seconds: int = 5
    memory: int = 1 << 30
    file: int = 1 << 20

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number >= 1, got {value!r}")


def passed(programs: Sequence[str], checks: Sequence[str], *, limits: Limits, workers: int | None = None) -> list[bool]:
    """For each program, whether it and then its check ran to their ends without an error, within the limits.

    ``workers`` run at once (default: one a core). Raises ValueError where this platform cannot run them at all.
    """
    unenforced(limits)
    jobs = list(zip(programs, checks, strict=True))
    keys = [_key(*job, limits) for job in jobs]
    fresh = {key: job for key, job in zip(keys, jobs, strict=True) if key not in _KNOWN}
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        for key, (outcome, _) in zip(fresh, pool.map(lambda job: trial(*job, limits=limits), fresh.values()), strict=True):
            _KNOWN[key] = outcome
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt waits for the programs that run, and starts no more
    return [_KNOWN[key] for key in keys]


@cache
def unenforced(limits: Limits) -> tuple[str, ...]:
    """What a program could do here in spite of us; found out by a program that does nothing.

    Raises ValueError where not even that runs.
    """
    if os.name != "posix":
        raise ValueError(f"programs can be run on Linux and macOS, this is {sys.platform}: leave out the metric passes")
    done, told = trial("import collections, itertools, math, re", "", limits=limits)
    if not done:
        raise ValueError(
            f"programs cannot be run here within {limits.memory >> 20} MiB and {limits.seconds} s, not even one that does nothing: "
            f"give higher limits, or run as a user who can read {Path(os.__file__).parent}"
        )
    return tuple(filter(None, told.split(",")))


def trial(program: str, check: str, *, limits: Limits) -> tuple[bool, str]:
    """Whether one program and its check ran to their ends, and what could not be enforced, joined by commas."""
    token = secrets.token_hex(16)
    job = {"program": program, "check": check, "token": token, "limits": asdict(limits)}
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("confined.py"))]
    with TemporaryDirectory(prefix="edt-trial-", ignore_cleanup_errors=True) as folder, TemporaryFile() as asked, TemporaryFile() as told:
        asked.write(json.dumps(job).encode())
        asked.seek(0)
        ended, held = os.pipe()  # nothing is written to it: it closes with the last process that holds it, sooner seen than a wait
        process = subprocess.Popen(
            command, stdin=asked, stdout=told, stderr=subprocess.DEVNULL, cwd=folder, env={}, pass_fds=(held,), start_new_session=True
        )
        os.close(held)
        try:
            _wait(process, ended, WALL * limits.seconds)
        finally:
            os.close(ended)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the program and, where it could start any, its children
            process.wait()
        told.seek(0)
        missing, _, rest = told.read(1 << 16).decode(errors="replace").partition("\n")
    return rest == token, missing


def _wait(process: subprocess.Popen[bytes], ended: int, seconds: float) -> None:
    """Until the process is over, at most so long; a program may close its end of the pipe and go on."""
    until = monotonic() + seconds
    with DefaultSelector() as selector:
        selector.register(ended, EVENT_READ)
        selector.select(seconds)
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, until - monotonic()))


def _key(program: str, check: str, limits: Limits) -> bytes:
    return hashlib.sha256(json.dumps([program, check, asdict(limits)]).encode()).digest()
