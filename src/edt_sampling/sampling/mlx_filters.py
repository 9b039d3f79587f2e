"""Which tokens the filters leave, in MLX: top-k, top-p and min-p, equal tokens by the lower index as in the reference.

mlx-lm's own functions differ at the edge: its top-p keeps every token that equals the last one kept, its top-k any of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import mlx.core as mx

from edt_sampling.sampling.filters import Filtering, Filters, MinP, TopK, TopP

KNOWN = (TopK, TopP, MinP)
EDGE = 1e-6
"""Top-p asks for p * (1 - EDGE) of the mass, so that the last bits of a float32 sum do not add a token: 3 of 30 equal ones make 0.1."""


def check_filters(filters: Filters, *, keeper: str) -> None:
    """Refuses a step that this backend does not have."""
    for step in (*filters.before, *filters.after):
        if not isinstance(step, KNOWN):
            known = ", ".join(kind.name for kind in KNOWN)
            raise ValueError(f"filters: {keeper} has {known}, got {step}: leave it out, or use the engine, whose draw has all")


def kept(logs: mx.array, steps: Sequence[Filtering]) -> mx.array:
    """Which tokens the filters leave, ``[rows, vocab]``, of rows with maximum 0. Each step sees what the one before left."""
    keep = logs > -mx.inf
    for step in steps:
        keep = keep & _kept(mx.where(keep, logs, -mx.inf), step)
    return keep


def _kept(left: mx.array, step: Filtering) -> mx.array:
    if isinstance(step, MinP):
        return left >= math.log(step.p)
    ordered = mx.sort(left, axis=-1)
    if isinstance(step, TopK):
        return _first(left, ordered, mx.full((left.shape[0], 1), min(step.k, left.shape[1]), dtype=mx.int32))
    assert isinstance(step, TopP)
    if step.p == 1:
        return left > -mx.inf
    weights = mx.exp(ordered)
    above = mx.cumsum(weights, axis=-1, reverse=True, inclusive=False)
    wanted = step.p * (1 - EDGE) * (above[:, :1] + weights[:, :1])
    return _first(left, ordered, (above < wanted).sum(-1, keepdims=True))


def _first(left: mx.array, ordered: mx.array, count: mx.array) -> mx.array:
    """The ``count`` ``[rows, 1]`` largest of each row, equal ones by index; ``ordered`` are the same rows, the smallest first."""
    last = mx.take_along_axis(ordered, left.shape[-1] - count, axis=-1)
    above, equal = left > last, left == last
    spare = count - above.sum(-1, keepdims=True)
    return above | (equal & (mx.cumsum(equal.astype(mx.int32), axis=-1) <= spare))
