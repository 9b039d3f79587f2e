"""Which tokens top-k, top-p and min-p leave behind the temperature, in Triton, without a sort.

Each of them keeps the first tokens in the order of their logits, equal ones by index, so what all of them leave is told by three numbers a
row: the lowest logit that stays, how many of the tokens that tie there stay, and the least log that min-p allows. The logit is found four
bits at a time, from the top, as a radix sort would: each reading of the row adds up what its 16 branches hold.
"""
# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false, reportIndexIssue=false

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from edt_sampling.sampling.contract import ROUNDING
from edt_sampling.sampling.filters import Filtering, MinP, TopK, TopP
from edt_sampling.sampling.float32 import FAINTEST
from edt_sampling.sampling.triton_tiles import Tiles, load_tile, weight

FAINT = tl.constexpr(FAINTEST)
BRANCHES = tl.constexpr(16)
BITS = {torch.bfloat16: 16, torch.float16: 20, torch.float32: 32}
"""How many of a float32's bits tell a number of each type from its neighbours, rounded up to whole branches."""
ALL = 2**31 - 1


class Prefix(NamedTuple):
    """What stays of each row: the words above ``edge`` ``[rows]`` (ordered bits of a logit, 0 for no edge), the first ``ties`` ``[rows]``
    of those at it, and none whose tempered log is below ``floor``."""

    edge: Tensor
    ties: Tensor
    floor: float


class Scaled(NamedTuple):
    """Logits, and what turns them into logs: each row's largest one and 1 / T, float32 ``[rows]``."""

    logits: Tensor
    largest: Tensor
    inverse: Tensor


def kept(rows: Scaled, *, cut: Tiles, steps: Sequence[Filtering]) -> Prefix:
    """What ``steps`` (top-k, top-p, min-p) leave; each sees what the one before left."""
    of = rows.inverse
    left = Prefix(torch.zeros_like(of, dtype=torch.int64), torch.full_like(of, ALL, dtype=torch.float64), -math.inf)
    for step in steps:
        if isinstance(step, MinP):
            left = left._replace(floor=max(left.floor, math.log(step.p)))
        elif isinstance(step, TopK) and step.k < cut.words:
            left = _searched(rows, left, cut=cut, wanted=float(step.k), counted=True)
        elif isinstance(step, TopP) and step.p < 1:
            left = _searched(rows, left, cut=cut, wanted=step.p * (1 - ROUNDING), counted=False)
    return left


def _searched(rows: Scaled, left: Prefix, *, cut: Tiles, wanted: float, counted: bool) -> Prefix:
    """The fewest first tokens of those left that are ``wanted`` tokens, or hold this share of their mass."""
    device, bits = rows.logits.device, BITS[rows.logits.dtype]
    branches = torch.empty(cut.rows, cut.count, BRANCHES.value, dtype=torch.float32, device=device)
    path, need = (torch.empty(cut.rows, dtype=kind, device=device) for kind in (torch.int64, torch.float64))
    share = torch.full_like(need, wanted)  # as a number, a kernel would take it in float32
    found = left._replace(edge=torch.empty_like(left.edge), ties=torch.empty_like(left.ties))
    for shift in range(bits - 4, -1, -4):
        first, last = shift == bits - 4, shift == 0
        _branches[cut.grid](
            *rows, *rows.logits.stride(), left.edge, left.floor, path, branches, cut.words, cut.count, shift,
            SIZE=cut.size, BITS=bits, FIRST=first, COUNTED=counted, num_warps=cut.warps,
        )  # fmt: skip
        _descend[(cut.rows,)](
            branches, rows.largest, rows.inverse, *left, found.edge, found.ties, path, need, share, cut.count,
            SLOTS=cut.slots, BITS=bits, FIRST=first, LAST=last, COUNTED=counted, num_warps=1,
        )  # fmt: skip
    return found


@triton.jit
def ordered(x, BITS: tl.constexpr):
    """The first ``BITS`` bits of float32 numbers in an order that is theirs, int64; 0 and -0 are one number."""
    bits = tl.where(x == 0.0, 0.0, x).to(tl.uint32, bitcast=True).to(tl.int64)
    upward = tl.where(bits >> 31 == 1, 0xFFFFFFFF - bits, bits + 0x80000000)
    return upward >> (32 - BITS)


@triton.jit
def number(upward, BITS: tl.constexpr):
    """The float32 number that ``ordered`` has made these bits of."""
    below = upward < (1 << (BITS - 1))
    bits = tl.where(below, (1 << BITS) - 1 - upward, upward - (1 << (BITS - 1))) << (32 - BITS)
    return bits.to(tl.uint32).to(tl.float32, bitcast=True)


@triton.jit
def edge_weight(edge, floor, largest, inverse, BITS: tl.constexpr):
    """The weight of a token at the edge; 0 where there is no edge, or it lies below the floor."""
    logs = (number(edge, BITS) - largest) * inverse
    return tl.where((edge > 0) & (logs >= floor), weight(logs, FAINT), 0.0)


@triton.jit(do_not_specialize=["shift"])  # else compiled anew for each
def _branches(
    logits, largest, inverse, row_stride, stride, edge, floor, path, branches, words, tile_count, shift,
    SIZE: tl.constexpr, BITS: tl.constexpr, FIRST: tl.constexpr, COUNTED: tl.constexpr,
):  # fmt: skip
    """What the tokens above the edge that follow the path hold in each of its branches: their number, or their weight."""
    row, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    _, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
    logs = (x - tl.load(largest + row)) * tl.load(inverse + row)
    upward = ordered(x, BITS)
    here = (x > -float("inf")) & (upward > tl.load(edge + row)) & (logs >= floor)
    if not FIRST:
        here = here & ((upward >> (shift + 4)) == tl.load(path + row))
    held = tl.where(here, 1.0, 0.0)
    if not COUNTED:
        held = tl.where(here, weight(logs, FAINT), 0.0)
    branch = (upward >> shift) & (BRANCHES - 1)
    place = branches + (row * tile_count + tile) * BRANCHES
    for number_ in tl.static_range(BRANCHES):
        tl.store(place + number_, tl.sum(tl.where(branch == number_, held, 0.0), 0))


@triton.jit
def _descend(
    branches, largest, inverse, edge, ties, floor, found_edge, found_ties, path, need, wanted, tile_count,
    SLOTS: tl.constexpr, BITS: tl.constexpr, FIRST: tl.constexpr, LAST: tl.constexpr, COUNTED: tl.constexpr,
):  # fmt: skip
    """Takes the branch in which the need is met, and at the path's end says how many of the tokens there it takes.

    One warp: what it reads of the path and the need it also writes.
    """
    row, start = tl.program_id(0).to(tl.int64), 0
    slot, branch = tl.arange(0, SLOTS), tl.arange(0, BRANCHES)
    place = (row * tile_count + slot)[:, None] * BRANCHES + branch[None, :]
    held = tl.sum(tl.load(branches + place, mask=(slot < tile_count)[:, None], other=0.0).to(tl.float64), 0)
    top, by = tl.load(largest + row), tl.load(inverse + row)
    if FIRST:
        edges, at_edge = tl.load(ties + row), tl.load(edge + row)
        each = edge_weight(at_edge, floor, top, by, BITS).to(tl.float64)
        if COUNTED:
            each = tl.where(each > 0.0, 1.0, 0.0).to(tl.float64)
        above_edge = tl.sum(held, 0)
        whole = above_edge + tl.where(each > 0.0, edges * each, 0.0)
        share = tl.load(wanted + row)
        needed = tl.minimum(share, whole) if COUNTED else share * whole
        in_ties = needed > above_edge  # the old edge stays, with fewer ties
        taken = tl.ceil((needed - above_edge) / tl.where(each > 0.0, each, 1.0))
        tl.store(found_edge + row, tl.where(in_ties, at_edge, -1))
        tl.store(found_ties + row, tl.minimum(taken, edges))
    else:
        needed = tl.load(need + row)
        start = tl.load(path + row) * BRANCHES
    above = tl.sum(tl.where(branch[None, :] > branch[:, None], held[None, :], 0.0), 1)
    lowest = tl.min(tl.where(held > 0.0, branch, BRANCHES - 1), 0)
    chosen = tl.maximum(tl.max(tl.where((above + held >= needed) & (held > 0.0), branch, 0), 0), lowest)
    needed -= tl.sum(tl.where(branch == chosen, above, 0.0), 0)
    follows = start + chosen.to(tl.int64)
    tl.store(path + row, follows)
    tl.store(need + row, needed)
    if LAST:
        each = weight((number(follows, BITS) - top) * by, FAINT).to(tl.float64)
        taken = tl.ceil(needed if COUNTED else needed / tl.where(each > 0.0, each, 1.0))
        searched = tl.load(found_edge + row) < 0
        tl.store(found_edge + row, follows, mask=searched)
        tl.store(found_ties + row, tl.maximum(taken, 1.0), mask=searched)
