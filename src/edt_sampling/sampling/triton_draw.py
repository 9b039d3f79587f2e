"""The draw in Triton: a token a row from softmax(logits / T), with no array of probabilities and without the host waiting.

Three readings of the logits: for the statistics, for the weights of tiles, and of the one tile in which the token lies.
"""
# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false
# pyright: reportIndexIssue=false, reportPossiblyUnboundVariable=false

from __future__ import annotations

import math
from typing import Any, Unpack

import torch
import triton
import triton.language as tl
from torch import Tensor

from edt_sampling.policies import Mixture
from edt_sampling.sampling import triton_truncation as truncation
from edt_sampling.sampling.contract import COLDEST, COMPUTED, READ, Draw, check_column
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.float32 import FAINTEST, HOTTEST, knows
from edt_sampling.sampling.statistics import Kept
from edt_sampling.sampling.triton_statistics import read, temperatures
from edt_sampling.sampling.triton_tiles import Tiles, first_of, load_tile, tiles, weight
from edt_sampling.sampling.triton_truncation import BITS, edge_weight, ordered

FAINT = tl.constexpr(FAINTEST)
COLD = tl.constexpr(COLDEST)


def supports(filters: Filters, needs: frozenset[str]) -> bool:
    """Whether ``draw`` takes these filters (top-k, top-p, min-p, all behind the temperature) and policies with these needs."""
    return knows(filters) and needs <= COMPUTED | READ


@torch.no_grad()
def draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T) within the filters: the first i with cdf_i >= uniform * total.

    ``uniform`` in (0, 1), one a row; it and what is ``given`` are on the logits' device, else the host waits. A row whose T is below
    ``COLDEST`` takes its maximum with the lowest index. A row with NaN, +inf or nothing but -inf, and one whose policy gives no number, has
    token -1 and NaN for its temperature and probability, a row at fault for its entropy too.
    Raises ValueError for filters that ``supports`` refuses, for float64, and for a statistic that a policy needs and is not given.
    """
    if not knows(filters):
        raise ValueError(f"filters must be top_k, top_p and min_p behind the temperature in Triton, got {filters}: use the torch backend")
    cut = tiles(logits)
    u = torch.as_tensor(uniform, dtype=torch.float64, device=logits.device)
    check_column("uniform", u.shape, cut.rows)
    if not cut.rows:
        return Draw(torch.empty(0, dtype=torch.int64, device=logits.device), u, u, u)
    with torch.cuda.device_of(logits):
        found = read(logits, cut=cut, needs=mixture.needs)
        t = temperatures(found, mixture, **given)
        rows = truncation.Scaled(logits, found.largest, inverses(t))
        kept = truncation.kept(rows, cut=cut, steps=filters.after) if filters.after else None
        token, probability = _picked(rows, kept, cut=cut, columns=(t, found.best, u))
    return Draw(token, found.statistics.entropy.masked_fill(found.unusable, math.nan), t, probability)


def inverses(t: Tensor) -> Tensor:
    """1 / T within the limits of float32, float32 ``[rows]``."""
    return t.clamp(COLDEST, HOTTEST).reciprocal().float()


def _picked(
    rows: truncation.Scaled, kept: truncation.Prefix | None, *, cut: Tiles, columns: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """The token of each row and its probability, of ``columns`` temperature, best token and uniform."""
    device = rows.logits.device
    masses = torch.empty(cut.rows, cut.count, dtype=torch.float32, device=device)
    tied = torch.empty(cut.rows, cut.count, dtype=torch.int32, device=device) if kept else None
    token, probability = (torch.empty(cut.rows, dtype=kind, device=device) for kind in (torch.int64, torch.float64))
    edge, ties, floor = kept or (None, None, None)
    layout, bits = (*rows, *rows.logits.stride(), edge, floor), BITS[rows.logits.dtype]
    _masses[cut.grid](*layout, masses, tied, cut.words, cut.count, SIZE=cut.size, BITS=bits, num_warps=cut.warps)
    _pick[(cut.rows,)](
        *layout, ties, masses, tied, *columns, token, probability, cut.words, cut.count,
        SIZE=cut.size, SLOTS=cut.slots, BITS=bits, num_warps=cut.warps,
    )  # fmt: skip
    return token, probability


@triton.jit
def _masses(
    logits, largest, inverse, row_stride, stride, edge, floor, masses, tied, words, tile_count,
    SIZE: tl.constexpr, BITS: tl.constexpr,
):  # fmt: skip
    """The weight of each tile; that of the tokens above the edge and the number of those at it, where there is an edge."""
    row, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    _, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
    logs = (x - tl.load(largest + row)) * tl.load(inverse + row)
    weights = weight(logs, FAINT)
    here = row * tile_count + tile
    if edge is not None:
        upward, at = ordered(x, BITS), tl.load(edge + row)
        tl.store(tied + here, tl.sum(((upward == at) & (x > -float("inf"))).to(tl.int32), 0))
        weights = tl.where((upward > at) & (logs >= floor), weights, 0.0)
    tl.store(masses + here, tl.sum(weights, 0))


@triton.jit
def _pick(
    logits, largest, inverse, row_stride, stride, edge, floor, ties, masses, tied, t, best, uniform, token, probability, words, tile_count,
    SIZE: tl.constexpr, SLOTS: tl.constexpr, BITS: tl.constexpr,
):  # fmt: skip
    """The tile whose cumulated weight reaches u * total, then the word in it; -1 and NaN where T is NaN."""
    row, slot = tl.program_id(0).to(tl.int64), tl.arange(0, SLOTS)
    here, there = row * tile_count + slot, slot < tile_count
    mass = tl.load(masses + here, mask=there, other=0.0).to(tl.float64)
    top, by = tl.load(largest + row), tl.load(inverse + row)
    if edge is not None:
        at = tl.load(edge + row)
        tie_count = tl.load(tied + here, mask=there, other=0).to(tl.float64)
        earlier = tl.cumsum(tie_count, 0) - tie_count
        stay = tl.minimum(tl.maximum(tl.load(ties + row) - earlier, 0.0), tie_count)
        mass += stay * edge_weight(at, floor, top, by, BITS).to(tl.float64)
    sums, total = tl.cumsum(mass, 0), tl.sum(mass, 0)
    need = tl.load(uniform + row) * total
    tile = _first_reached(sums, mass, need, slot)
    here_need = need - tl.sum(tl.where(slot == tile, sums - mass, 0.0), 0)
    here_mass = tl.sum(tl.where(slot == tile, mass, 0.0), 0)

    index, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
    logs = (x - top) * by
    weights = weight(logs, FAINT)
    if edge is not None:
        upward = ordered(x, BITS)
        level = ((upward == at) & (x > -float("inf"))).to(tl.int32)
        stays = (upward > at) | ((level > 0) & (tl.cumsum(level, 0) <= tl.sum(tl.where(slot == tile, stay, 0.0), 0)))
        weights = tl.where(stays & (logs >= floor), weights, 0.0)
    exact = weights.to(tl.float64)
    part = here_need * tl.sum(exact, 0) / tl.where(here_mass > 0.0, here_mass, 1.0)  # the same share of what is not rounded to float32
    drawn = _first_reached(tl.cumsum(exact, 0), weights, part, index)
    share = tl.sum(tl.where(index == drawn, weights, 0.0), 0).to(tl.float64) / total

    temperature = tl.load(t + row)
    warm, known = temperature >= COLD, temperature == temperature
    greedy = tl.where(known, tl.load(best + row), -1)
    tl.store(token + row, tl.where(warm, drawn.to(tl.int64), greedy))
    tl.store(probability + row, tl.where(warm, share, tl.where(known, 1.0, temperature)))


@triton.jit
def _first_reached(sums, weights, need, index):
    """The first index of a weight at which the sums reach the need; where rounding lets none, the last that has a weight."""
    held = weights > 0
    last = tl.maximum(tl.max(tl.where(held, index, -1), 0), tl.min(index, 0))
    return tl.minimum(first_of(held & (sums >= need), index), last)
