"""NumPy arrays on a CPU, float32: two passes of vector instructions over a row, on as many threads as there are rows for.

Draws the tokens that ``reference`` draws, unless uniform * total lies within float32's margin (docs/numerics.md) of a token's boundary.
A row's result depends on that row alone: its sums are always added in the same order.
"""
# pyright: reportMissingImports=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple, Unpack, cast

import numpy as np
from numba.core import config

from edt_sampling.policies import Mixture
from edt_sampling.sampling import numba_kernels as kernels
from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import (
    ALWAYS,
    Draw,
    check_allowed,
    check_column,
    check_shape,
    unusable_rows,
)
from edt_sampling.sampling.filters import UNFILTERED, Filtering, Filters, MinP, TopK, TopP
from edt_sampling.sampling.float32 import knows
from edt_sampling.sampling.reference import divergence, mixture, temperature_at, tempered
from edt_sampling.sampling.statistics import Kept, Statistics

__all__ = ["divergence", "draw", "mixture", "statistics", "temperature", "temperature_at", "tempered"]

ACCEPTED = (np.float16, np.float32)
PIECE = 1 << 16
"""About so many words at a time are a thread's: some 50 microseconds' work, against the few that it takes to ask for them."""
EXTRAS = frozenset({"support", "margin", "varentropy"})
"""The statistics that take a pass of their own."""


class Threads(NamedTuple):
    """How many threads work at once, and what runs a function on so many and returns when all are done."""

    count: int
    run: Callable[[Callable[[], None], int], None]


class Rows(NamedTuple):
    """Rows of logits in memory: the numbers from the first row's first to the last row's last, and how far apart rows begin.

    ``flat`` holds float32 numbers, or uint16, the bits of bfloat16 numbers.
    """

    flat: np.ndarray
    stride: int
    count: int
    words: int


class Read(NamedTuple):
    """What one pass finds out, arrays ``[rows]``: the largest logit, NaN where a row holds NaN; its lowest index; the statistics."""

    largest: np.ndarray
    best: np.ndarray
    statistics: Statistics


def rows(logits: np.ndarray) -> Rows:
    """The rows of ``logits`` ``[rows, vocab]``, without a copy where a row's numbers lie side by side; float16 is copied to float32."""
    check_shape(logits.shape)
    if logits.dtype == np.float16:
        logits = logits.astype(np.float32)
    count, words = logits.shape
    if logits.flags.c_contiguous:
        return Rows(logits.reshape(-1), words, count, words)
    size = logits.itemsize
    if logits.strides[1] != size or logits.strides[0] % size or logits.strides[0] < 0:
        return rows(np.ascontiguousarray(logits))
    stride = logits.strides[0] // size
    return Rows(np.lib.stride_tricks.as_strided(logits, ((count - 1) * stride + words,), (size,)), stride, count, words)


def statistics(logits: np.ndarray, *, filters: Filters = UNFILTERED, needs: frozenset[str] = ALWAYS) -> Statistics:
    """Those of ``reference.statistics``, and its own for float64 and behind filters; support is None too unless ``needs`` names it."""
    if logits.dtype.type not in ACCEPTED or filters.before:
        return reference.statistics(logits, filters=filters, needs=needs)
    return usable(read(rows(logits), needs=needs)).statistics


def temperature(logits: np.ndarray, mixture: Mixture, *, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Any:
    """The temperature that each row's policy gives it, ``[rows]``."""
    return temperature_at(statistics(logits, filters=filters, needs=mixture.needs), mixture, **given)


def draw(logits: np.ndarray, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """One token a row, as ``reference.draw`` draws it; by that itself for float64, and with filters that ``knows`` does not."""
    if logits.dtype.type not in ACCEPTED or not knows(filters):
        return reference.draw(logits, mixture, uniform=uniform, filters=filters, **given)
    check_allowed(filters, frozenset(given))
    there = rows(logits)
    found = usable(read(there, needs=mixture.needs))
    t = temperature_at(found.statistics, mixture, **given)
    token, probability = pick(there, found, t, column("uniform", uniform, there.count), filters.after)
    return Draw(token, found.statistics.entropy, t, probability)


def read(there: Rows, *, needs: frozenset[str] = frozenset(), scale: float | np.ndarray = 1.0, threads: Threads | None = None) -> Read:
    """The first pass: the statistics of softmax(logits * scale), ``scale`` ``[rows]`` or one number; NaN for a row that has none.

    Those among ``EXTRAS`` are there if ``needs`` names them.
    """
    count = there.count
    scales = np.full(count, kernels.LOG2E * scale, np.float32)
    largest, best = np.empty(count, np.float32), np.empty(count, np.int64)
    entropy, highest, mean = np.empty(count), np.empty(count), np.empty(count)
    _on_threads(kernels.read_rows, there, scales, largest, best, entropy, highest, mean, threads=threads)
    found = Statistics(entropy, highest)
    if needs & EXTRAS:
        support, margin, varentropy = np.empty(count), np.empty(count), np.empty(count)
        _on_threads(kernels.extras_of_rows, there, scales, largest, best, highest, mean, support, margin, varentropy, threads=threads)
        extras = {"support": support, "margin": margin, "varentropy": varentropy}
        found = replace(found, **{name: values for name, values in extras.items() if name in needs})
    return Read(largest, best, found)


def pick(
    there: Rows, found: Read, t: np.ndarray, uniform: np.ndarray, filters: Sequence[Filtering] = (), *, threads: Threads | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The second pass: each row's token, the best one for T below ``COLDEST``, and its probability after temperature and filters."""
    kinds, values = _steps(filters, there.words) if filters else ((), ())
    token, probability = np.empty(there.count, np.int64), np.empty(there.count)
    chosen = (there, t, found.largest, found.best, np.array(uniform), token, probability)
    if len(kinds):
        _on_threads(kernels.pick_kept_rows, *chosen, kinds, values, threads=threads, room=2 * there.words)
    else:
        _on_threads(kernels.pick_rows, *chosen, threads=threads)
    return token, probability


def temper(there: Rows, found: Read, t: np.ndarray, applied: Any, coming: Any, out: Rows, *, threads: Threads | None = None) -> None:
    """The second pass where an engine draws itself: writes the tempered logits to ``out``, which may be ``there``.

    ``applied`` and ``coming``, ``[rows]`` or one number, are the temperatures of ``torch_tempering.temper_``. Rows that stay as they are
    get NaN for their entropy in ``found`` and in ``t``.
    """
    own = (np.full(there.count, values, np.float64) for values in (applied, coming))
    _on_threads(
        kernels.scale_rows, there, found.largest, found.best, found.statistics.entropy, t, *own, out.flat, out.stride, threads=threads
    )


def column(name: str, values: Any, count: int) -> np.ndarray:
    """One number a row, float64."""
    found = np.asarray(values, np.float64)
    check_column(name, found.shape, count)
    return found


def usable(found: Read) -> Read:
    """What was read, or the error that names the rows which hold no distribution."""
    if not np.isfinite(found.largest.sum()) and not np.isfinite(found.largest).all():
        raise ValueError(unusable_rows(found.largest.tolist()))
    return found


def _steps(filters: Sequence[Filtering], words: int) -> tuple[np.ndarray, np.ndarray]:
    """The filters that may drop something, as the compiled code reads them: their kinds and their numbers."""
    found: list[tuple[int, float]] = []
    for step in filters:
        if isinstance(step, TopK) and step.k < words:
            found.append((kernels.TOP_K, step.k))
        elif isinstance(step, TopP) and step.p < 1:
            found.append((kernels.TOP_P, step.p))
        elif isinstance(step, MinP):
            found.append((kernels.MIN_P, math.log2(step.p)))
    return np.array([kind for kind, _ in found], np.int64), np.array([value for _, value in found], np.float64)


def _on_threads(kernel: Callable[..., None], there: Rows, *arrays: Any, threads: Threads | None, room: int = 0) -> None:
    """Runs a kernel over all rows; each thread takes the next piece when it is done with one, because a core may be another's for a while.

    A kernel that asks for ``room`` gets an array of so many numbers for itself.
    """
    place, size = (there.flat, there.stride, there.words), max(1, PIECE // there.words)
    count, run = threads or Threads(cast(Any, config).NUMBA_NUM_THREADS, pooled)
    count = min(count, -(-there.count // size))
    pieces = iter([(first, min(first + size, there.count)) for first in range(0, there.count, size)])

    def work() -> None:
        own = (_borrowed(room),) if room else ()
        for first, last in pieces:
            kernel(*place, first, last, *arrays, *own)
        _ROOMS.extend(own)

    work() if count <= 1 else run(work, count)


_ROOMS = deque[np.ndarray](maxlen=16)
"""Memory that nobody uses at the moment; new memory would cost as much as the work that is done in it."""


def _borrowed(room: int) -> np.ndarray:
    """An array of ``room`` numbers or more."""
    with suppress(IndexError):
        if len(found := _ROOMS.pop()) >= room:
            return found
    return np.empty(room, np.float32)


def pooled(work: Callable[[], None], count: int) -> None:
    """Runs ``work`` on this thread and on threads of a pool beside it, ``count`` in all."""
    beside = [_pool(os.getpid()).submit(work) for _ in range(count - 1)]
    work()
    for other in beside:
        other.result()


@cache
def _pool(process: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a forked process has none of its parent's threads
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="edt-sampling")
