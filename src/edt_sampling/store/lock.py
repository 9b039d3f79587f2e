"""One writer a run: a lock that dies with its process."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from edt_sampling.store.database import StoreError


class StoreLockedError(StoreError):
    """Another process is writing this run."""


@contextmanager
def held(folder: Path) -> Generator[None]:
    """The lock of a run folder for the length of the block, or a StoreLockedError naming the process that has it.

    The kernel's lock decides; the pid beside it is only read where the lock is held, so a dead holder's is never believed.
    It has a file of its own, because opening a lock file empties it in some versions of filelock.
    """
    lock, pid = FileLock(folder / "run.lock"), folder / "run.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreLockedError(f"{folder}: process {_holder(pid)} is running this; wait for it, or give --out another folder") from None
    try:
        pid.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.release()


def _holder(pid: Path) -> str:
    try:
        return pid.read_text().strip() or "(unknown)"
    except OSError:
        return "(unknown)"
