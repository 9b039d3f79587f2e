"""The second draw in Triton: argmax(logits / T + noise) in one reading of the logits, though T is known only at its end.

T <= T0, the most that a row's policy gives, so b = 1 / T >= b0 = 1 / T0, and a token's logit and noise make a line l b + g. A line that
another one of no smaller slope has passed by b0 never wins, so each tile keeps the others, a staircase: every step is higher at b0 and less
steep than the next. Once the statistics of all tiles have made T, the winner is the highest of the lines that were kept.
"""
# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false
# pyright: reportIndexIssue=false, reportIncompatibleMethodOverride=false

from __future__ import annotations

import math
from typing import Any, NamedTuple, Unpack

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from edt_sampling.policies import Mixture
from edt_sampling.policies.dynatemp import DynaTemp
from edt_sampling.policies.edt import EDT
from edt_sampling.policies.fixed import Fixed
from edt_sampling.policies.instance_edt import DraftEDT, InstanceEDT, PromptEDT, RunningEDT
from edt_sampling.policies.kl_guided import KLGuided
from edt_sampling.policies.udt import UDT, MarginUDT, VarentropyUDT
from edt_sampling.sampling.contract import COLDEST, Draw, check_column, check_mixture
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.statistics import Kept, Statistics
from edt_sampling.sampling.triton_draw import inverses
from edt_sampling.sampling.triton_statistics import Parts, combined, empty_parts, store_parts, temperatures
from edt_sampling.sampling.triton_tiles import Tiles, first_of, load_tile, tiles

BOUNDED = (Fixed, EDT, UDT, MarginUDT, VarentropyUDT, InstanceEDT, PromptEDT, DraftEDT, RunningEDT, KLGuided, DynaTemp)
"""The policies whose temperature is highest where every token is as likely as every other: there stands an upper bound."""
ROOM = tl.constexpr(16)
"""Lines that a tile has room for. One that needs more is read again at the end."""
SLACK = tl.constexpr(2.0**-13)
"""So much lower at b0 a line must be to be dropped: five times what rounding can move two lines that could win against each other."""
COLD = tl.constexpr(COLDEST)
TERMS = tl.constexpr(15)
"""The last power of the series, whose rest is below 2e-9 of it."""


class Lines(NamedTuple):
    """The lines that tiles keep.

    ``corners`` ``[2, rows, tiles, ROOM]``: their logits and noise; ``places`` ``[rows, tiles, ROOM]``: their words; ``count``
    ``[rows, tiles]``: how many there are, ``ROOM`` + 1 where there is no room for all.
    """

    corners: Tensor
    places: Tensor
    count: Tensor


@torch.no_grad()
def gumbel_draw(logits: Tensor, mixture: Mixture, *, key: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T): the first maximum of logits / T + noise, the noise that of ``gumbel.noise`` in float32.

    ``key`` ``[rows]`` are ``gumbel.noise_keys``: uint64 of NumPy or int64 of torch, the same bits; they and what is ``given`` are on the
    logits' device, else the host waits. A row whose T is below ``COLDEST`` takes its maximum with the lowest index. The probability is NaN:
    no sum of weights at T is made. A row with NaN, +inf or nothing but -inf has token -1, and NaN for entropy and temperature.
    Raises ValueError for filters, for a policy without an upper bound, for float64, and for a statistic that is needed and not given.
    """
    cut = tiles(logits)
    check_mixture(mixture, cut.rows, frozenset(given))
    _check(mixture, filters)
    own = _keys(key, logits)
    if not cut.rows:
        nothing = torch.empty(0, dtype=torch.float64, device=logits.device)
        return Draw(torch.empty_like(own), nothing, nothing, nothing)
    with torch.cuda.device_of(logits):
        lines, parts = staircases(logits, mixture, key=own, cut=cut)
        found = combined(parts, cut=cut, needs=mixture.needs)
        t = temperatures(found, mixture, **given)
        token, columns = torch.empty_like(own), (t, inverses(t), found.largest, found.best)
        layout = (logits, *logits.stride(), own, *lines, cut.words, cut.count)
        _highest[(cut.rows,)](*layout, *columns, token, SIZE=cut.size, SLOTS=cut.slots, num_warps=cut.warps)
    nothing = torch.full_like(t, math.nan)
    return Draw(token, torch.where(found.unusable, nothing, found.statistics.entropy), t, nothing)


def staircases(logits: Tensor, mixture: Mixture, *, key: Tensor, cut: Tiles) -> tuple[Lines, Parts]:
    """What one reading of the logits finds out: each tile's lines, and its sums."""
    device = logits.device
    corners = torch.empty(2, cut.rows, cut.count, ROOM.value, dtype=torch.float32, device=device)
    places = torch.empty(cut.rows, cut.count, ROOM.value, dtype=torch.int32, device=device)
    lines = Lines(corners, places, torch.empty(cut.rows, cut.count, dtype=torch.int32, device=device))
    parts, least = empty_parts(cut, like=logits), inverses(hottest(mixture, like=logits))
    layout = (logits, *logits.stride(), key, *lines, cut.words, cut.count)
    _staircases[cut.grid](*layout, least, *parts, SIZE=cut.size, SPREADS="varentropy" in mixture.needs, num_warps=cut.warps)
    return lines, parts


def hottest(mixture: Mixture, *, like: Tensor) -> Tensor:
    """The most that each row's policy can give, float64 ``[rows]``: its formula where nothing is known of the next token."""
    unsure, never = (torch.full((len(mixture.policies),), x, dtype=torch.float64, device=like.device) for x in (math.inf, 0.0))
    entropies = {f"{of}_entropy": unsure for of in ("first", "running", "prompt", "draft")}
    return mixture.temperature(Statistics(unsure, never, never, margin=never, varentropy=unsure, kl=never, **entropies))


def _check(mixture: Mixture, filters: Filters) -> None:
    """Refuses what has no form in one pass."""
    if filters.after or filters.before:
        step = next(iter(filters.before + filters.after)).name
        raise ValueError(f"filters must be none in a draw in one pass, which drops tokens before T is known, got {step}: use draw")
    for policy in mixture.policies:
        if type(policy) not in BOUNDED:
            raise ValueError(f"policy {policy.name} has no known upper bound, which a draw in one pass needs: use draw")


def _keys(key: Any, like: Tensor) -> Tensor:
    """Keys as int64 of the same bits, ``[rows]``."""
    own = torch.as_tensor(key.view(np.int64) if isinstance(key, np.ndarray) and key.dtype == np.uint64 else key, device=like.device)
    if own.dtype != torch.int64:
        raise ValueError(f"key must be uint64 of NumPy or int64 of torch, as gumbel.noise_keys makes them, got {own.dtype}")
    check_column("key", own.shape, len(like))
    return own.contiguous()


@triton.jit
def gumbel(key, tile, SIZE: tl.constexpr):
    """The noise of a tile's words, float32."""
    count = (tile * (SIZE // 4) + tl.arange(0, SIZE // 4)).to(tl.uint32)
    nothing = count * 0
    first, second, third, fourth = tl.philox(key, count, nothing, nothing, nothing)
    return noise(tl.interleave(tl.interleave(first, third), tl.interleave(second, fourth)))


@triton.jit
def noise(words):
    """-ln(-ln u), float32, u = (word + 1/2) / 2**32; the error is below 2e-6 throughout.

    -ln u is taken of u below a half, and above it, where float32 has no digits of u left, from the series of 2 artanh((1 - u) / (1 + u)).
    """
    low = words < 0x80000000
    share = (tl.where(low, words, 0xFFFFFFFF - words).to(tl.float32) + 0.5) * (2.0**-32)  # u, or what it is short of 1
    ratio = share / (2.0 - share)
    series = ratio * 0.0
    for power in tl.static_range(TERMS, 0, -2):
        series = series * ratio * ratio + 1.0 / power
    return -tl.log(tl.where(low, -tl.log(share), 2.0 * ratio * series))


@triton.jit
def _staircases(
    logits, row_stride, stride, keys, corners, places, count, words, tile_count, least, sums, counts,
    SIZE: tl.constexpr, SPREADS: tl.constexpr,
):  # fmt: skip
    """Each tile's sums, and its lines from the highest at b0 to the steepest; ``ROOM`` + 1 for its count where there are more."""
    row, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    index, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
    base, x = store_parts(x, index, 1.0, sums, counts, row, tile, tile_count, SPREADS)
    g = gumbel(tl.load(keys + row), tile, SIZE)
    height = tl.where(x > -float("inf"), (x - base) * tl.load(least + row) + g, -float("inf"))
    here = row * tile_count + tile
    plane = tl.num_programs(0).to(tl.int64) * tile_count * ROOM
    kept = 0
    top = tl.max(height, 0)
    while (top > -float("inf")) & (kept < ROOM):
        place = first_of(height == top, index)
        own = index == place
        slope = tl.sum(tl.where(own, x, 0.0), 0)
        line = corners + here * ROOM + kept
        tl.store(line, slope)
        tl.store(line + plane, tl.sum(tl.where(own, g, 0.0), 0))
        tl.store(places + here * ROOM + kept, place)
        kept += 1
        height = tl.where(own | ((x <= slope) & (height < top - SLACK)), -float("inf"), height)
        top = tl.max(height, 0)
    tl.store(count + here, tl.where(top > -float("inf"), ROOM + 1, kept))


@triton.jit
def _highest(
    logits, row_stride, stride, keys, corners, places, count, words, tile_count, t, inverse, largest, best, token,
    SIZE: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """The first of a row's highest lines at b = 1 / T; tiles that had no room are read again."""
    row, slot = tl.program_id(0).to(tl.int64), tl.arange(0, SLOTS * ROOM)
    by, peak, key = tl.load(inverse + row), tl.load(largest + row), tl.load(keys + row)
    here = row * tile_count
    plane = tl.num_programs(0).to(tl.int64) * tile_count * ROOM
    kept = tl.load(count + here + slot // ROOM, mask=slot < tile_count * ROOM, other=0)
    held = (slot % ROOM < kept) & (kept <= ROOM)
    line = corners + here * ROOM + slot
    slopes = tl.load(line, mask=held, other=-float("inf"))
    index = tl.load(places + here * ROOM + slot, mask=held, other=0)
    height = tl.where(held, (slopes - peak) * by + tl.load(line + plane, mask=held, other=0.0), -float("inf"))
    top = tl.max(height, 0)
    winner = first_of(held & (height == top), index)
    for tile in range(tile_count):
        if tl.load(count + here + tile) > ROOM:
            index_again, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
            x = tl.where(x < float("inf"), x, -float("inf"))
            raised = (x - peak) * by + gumbel(key, tile, SIZE)
            top_again = tl.max(raised, 0)
            winner_again = first_of(raised == top_again, index_again)
            better = (top_again > top) | ((top_again == top) & (winner_again < winner))
            winner, top = tl.where(better, winner_again, winner), tl.where(better, top_again, top)
    temperature = tl.load(t + row)
    known = temperature == temperature
    greedy = tl.where(known, tl.load(best + row), -1)
    tl.store(token + row, tl.where(temperature >= COLD, winner.to(tl.int64), greedy))
