"""Row statistics in Triton: each tile's sums in float32 in one reading of the logits, then each row's of its tiles' in float64.

The best token is kept out of the sums: H = ln(1 + R) - E / (1 + R), R the sum of all weights w = exp(x) but the best one's, E that of w x.
So a small entropy keeps its digits.
"""
# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false, reportIndexIssue=false

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple, Unpack

import torch
import triton
import triton.language as tl
from torch import Tensor

from edt_sampling.policies import Mixture
from edt_sampling.sampling.contract import LEAST, READ, check_column, check_mixture
from edt_sampling.sampling.float32 import FAINTEST
from edt_sampling.sampling.statistics import Kept, Statistics
from edt_sampling.sampling.triton_tiles import Tiles, first_of, load_tile, tiles, weight

LARGEST, REST, ENERGY, SECOND, SPREAD = (tl.constexpr(i) for i in range(5))
"""The planes of ``Parts.sums``: a tile's largest logit; over its other words the sum of w, of w x, the largest logit, and the sum of
w (x - mean)^2."""
SUMS = 5
FIRST, COUNT = (tl.constexpr(i) for i in range(2))
"""The planes of ``Parts.counts``: the lowest index of the largest logit; how many words are not masked, -1 where a word is NaN or +inf."""
COUNTS = 2
COLUMNS = 5
FAINT = tl.constexpr(FAINTEST)
LEAST_LOG = tl.constexpr(LEAST)


class Parts(NamedTuple):
    """What the tiles of each row come to: ``sums`` ``[SUMS, rows, tiles]``, float32, and ``counts`` ``[COUNTS, rows, tiles]``, int32."""

    sums: Tensor
    counts: Tensor


class Read(NamedTuple):
    """Each row's statistics, its largest logit and the lowest index of it, ``[rows]``.

    ``largest`` is +inf where a word is NaN or +inf, and -inf where all are -inf; such a row's statistics mean nothing.
    """

    statistics: Statistics
    largest: Tensor
    best: Tensor

    @property
    def unusable(self) -> Tensor:
        """The rows from which nothing can be drawn."""
        return ~self.largest.isfinite()


def read(logits: Tensor, *, needs: frozenset[str], cut: Tiles | None = None, applied: Tensor | None = None) -> Read:
    """The statistics of ``logits`` times ``applied`` ``[rows]``, float32; margin and varentropy where they are in ``needs``."""
    cut = cut or tiles(logits)
    parts = empty_parts(cut, like=logits)
    layout, spreads = (cut.words, cut.count, *logits.stride()), "varentropy" in needs
    _tiles[cut.grid](logits, applied, *parts, *layout, SIZE=cut.size, SPREADS=spreads, num_warps=cut.warps)
    return combined(parts, cut=cut, needs=needs, applied=applied)


def empty_parts(cut: Tiles, *, like: Tensor) -> Parts:
    """Room for what a kernel sums up of each tile."""
    sums = torch.empty(SUMS, cut.rows, cut.count, dtype=torch.float32, device=like.device)
    return Parts(sums, torch.empty(COUNTS, cut.rows, cut.count, dtype=torch.int32, device=like.device))


def combined(parts: Parts, *, cut: Tiles, needs: frozenset[str], applied: Tensor | None = None) -> Read:
    """The statistics of rows from those of their tiles."""
    columns = torch.empty(COLUMNS, cut.rows, dtype=torch.float64, device=parts.sums.device)
    largest = torch.empty(cut.rows, dtype=torch.float32, device=columns.device)
    best = torch.empty(cut.rows, dtype=torch.int64, device=columns.device)
    spreads = "varentropy" in needs
    _rows[(cut.rows,)](*parts, applied, columns, largest, best, cut.count, SLOTS=cut.slots, SPREADS=spreads, num_warps=1)
    found = Statistics(columns[0], columns[1], columns[2], margin=columns[3])
    return Read(replace(found, varentropy=columns[4]) if spreads else found, largest, best)


def temperatures(found: Read, mixture: Mixture, **given: Unpack[Kept]) -> Tensor:
    """The temperature that each row's policy gives it, float64 ``[rows]``; NaN where the row is unusable or the formula undefined."""
    rows = len(found.largest)
    kept = {name: _column(name, values, found.largest) for name, values in given.items() if values is not None and name in READ}
    check_mixture(mixture, rows, frozenset(kept))
    return mixture.temperature(replace(found.statistics, **kept)).masked_fill(found.unusable, math.nan)


def _column(name: str, values: object, like: Tensor) -> Tensor:
    column = torch.as_tensor(values, dtype=torch.float64, device=like.device)
    check_column(name, column.shape, len(like))
    return column


@triton.jit
def store_parts(x, index, scale, sums, counts, row, tile, tile_count, SPREADS: tl.constexpr):
    """Sums up a tile's logits ``x``, whose words stand at ``index`` of the row; gives its largest logit, 0 where that is -inf, and x with
    -inf in the place of NaN and +inf."""
    usable = x < float("inf")  # NaN is not, either
    faults = tl.sum((~usable).to(tl.int32), 0)
    x = tl.where(usable, x, -float("inf"))
    largest = tl.max(x, 0)
    first = first_of(x == largest, index)
    base = tl.where(largest > -float("inf"), largest, 0.0)
    others = index != first
    logs = tl.maximum((x - base) * scale, FAINT)
    weights = tl.where(others, weight(logs, FAINT), 0.0)
    rest, energy = tl.sum(weights, 0), tl.sum(weights * logs, 0)
    plane = tl.num_programs(0).to(tl.int64) * tile_count
    here = row * tile_count + tile
    tl.store(sums + LARGEST * plane + here, largest)
    tl.store(sums + REST * plane + here, rest)
    tl.store(sums + ENERGY * plane + here, energy)
    tl.store(sums + SECOND * plane + here, tl.max(tl.where(others, x, -float("inf")), 0))
    if SPREADS:
        away = logs - energy / tl.where(rest > 0.0, rest, 1.0)
        tl.store(sums + SPREAD * plane + here, tl.sum(weights * away * away, 0))
    tl.store(counts + FIRST * plane + here, first)
    tl.store(counts + COUNT * plane + here, tl.where(faults > 0, -1, tl.sum((x > -float("inf")).to(tl.int32), 0)))
    return base, x


@triton.jit
def _tiles(logits, applied, sums, counts, words, tile_count, row_stride, stride, SIZE: tl.constexpr, SPREADS: tl.constexpr):
    row, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    index, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
    scale = 1.0
    if applied is not None:
        scale = tl.load(applied + row)
    store_parts(x, index, scale, sums, counts, row, tile, tile_count, SPREADS)


@triton.jit
def _rows(sums, counts, applied, columns, largest, best, tile_count, SLOTS: tl.constexpr, SPREADS: tl.constexpr):
    row, rows = tl.program_id(0).to(tl.int64), tl.num_programs(0)
    slot = tl.arange(0, SLOTS)
    there = slot < tile_count
    plane = rows.to(tl.int64) * tile_count
    here = row * tile_count + slot
    scale = 1.0
    if applied is not None:
        scale = tl.load(applied + row)
    tops = tl.load(sums + LARGEST * plane + here, mask=there, other=-float("inf"))
    rest = tl.load(sums + REST * plane + here, mask=there, other=0.0).to(tl.float64)
    energy = tl.load(sums + ENERGY * plane + here, mask=there, other=0.0).to(tl.float64)
    seconds = tl.load(sums + SECOND * plane + here, mask=there, other=-float("inf"))
    firsts = tl.load(counts + FIRST * plane + here, mask=there, other=0)
    found = tl.load(counts + COUNT * plane + here, mask=there, other=0)

    top = tl.max(tops, 0)
    base = tl.where(top > -float("inf"), top, 0.0)
    own = slot == first_of(tops == top, slot)  # the tile with the row's best word
    away, lead = _logs(tops, base, scale)
    others = tl.where(own, 0.0, lead)
    total_rest = tl.sum(lead * rest + others, 0)
    total = 1.0 + total_rest
    mean = tl.sum(lead * (energy + away * rest) + others * away, 0) / total
    entropy = _log1p(total_rest) - mean
    _, second = _logs(tl.max(tl.where(own, seconds, tops), 0), base, scale)

    tl.store(columns + row, tl.maximum(entropy, 0.0))
    tl.store(columns + rows + row, 1.0 / total)
    tl.store(columns + 2 * rows + row, tl.sum(found.to(tl.float64), 0))
    tl.store(columns + 3 * rows + row, (1.0 - second) / total)
    if SPREADS:
        spread = tl.load(sums + SPREAD * plane + here, mask=there, other=0.0).to(tl.float64)
        centre = away + energy / tl.where(rest > 0.0, rest, 1.0) - mean
        squares = lead * (spread + rest * centre * centre) + others * (away - mean) * (away - mean)
        tl.store(columns + 4 * rows + row, (tl.sum(squares, 0) + mean * mean) / total)
    faults = tl.sum((found < 0).to(tl.int32), 0)
    tl.store(largest + row, tl.where(faults > 0, float("inf"), top))
    tl.store(best + row, tl.sum(tl.where(own, firsts, 0), 0).to(tl.int64))


@triton.jit
def _logs(logits, base, scale):
    """A tile's logs against the row's best word, float64 and not below ``LEAST``, and its weight; 0 for -inf."""
    logs = tl.maximum((logits.to(tl.float64) - base) * scale, LEAST_LOG)
    return logs, tl.where(logits > -float("inf"), tl.exp(logs), 0.0)


@triton.jit
def _log1p(x):
    """ln(1 + x) to the last digits of a small x: what 1 + x rounds off is in the quotient as well."""
    sum_ = 1.0 + x
    rounded = sum_ - 1.0
    return tl.where(rounded > 0.0, tl.log(sum_) * x / tl.where(rounded > 0.0, rounded, 1.0), x)
