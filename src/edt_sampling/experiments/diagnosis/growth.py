"""Memory growth: what a run holds more and more of, beyond what the lengths of its texts explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edt_sampling.store import UnitMemory

FEWEST = 20
"""Units of one start of a run, from which on its growth is judged."""
WARM_UP = 5
"""Units at the beginning of a start that are left out: libraries load, and caches fill."""


class Growth(NamedTuple):
    """``bytes`` that memory grew by over the ``units`` of the longest start of a run, beyond what lengths explain; ``start`` what was held
    at first; ``tokens`` generated meanwhile."""

    bytes: float
    start: float
    units: int
    tokens: float


def growth(memory: Sequence[UnitMemory], tokens: Mapping[tuple[str, int], float], prompts: Mapping[int, float]) -> Growth | None:
    """Of the start with the most units; None where none has ``FEWEST``.

    Least squares of what was held after each unit on the unit's place in the order, the largest prompt (in characters) and the largest unit
    (in tokens) so far, which an allocator keeps room for, and a constant; the growth is the first slope, from the first unit to the last.
    """
    starts: dict[tuple[int, str], list[UnitMemory]] = {}
    for one in memory:
        starts.setdefault((one.start, one.stage), []).append(one)
    longest = max(starts.values(), key=len, default=[])
    if len(longest) < FEWEST + WARM_UP:
        return None
    sizes = np.array([[prompts[one.unit], tokens[one.stage, one.unit]] for one in longest], dtype=np.float64)
    largest = np.maximum.accumulate(sizes, axis=0)[WARM_UP:]
    held = np.array([one.bytes for one in longest], dtype=np.float64)[WARM_UP:]
    columns = np.column_stack([np.linspace(0, 1, len(held)), np.ones(len(held)), largest / np.maximum(largest.max(axis=0), 1)])
    slope = np.linalg.lstsq(columns, held, rcond=None)[0][0]
    return Growth(float(slope), float(held[0]), len(held), float(sizes[WARM_UP:, 1].sum()))
