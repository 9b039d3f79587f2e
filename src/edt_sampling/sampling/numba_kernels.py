"""The compiled loops of the CPU's float32 path: over one row of logits, and over the rows of a batch.

They stand in one file, because numba knows the code that it keeps on disk by the file of the outermost loop, and would not see that an
inner one has changed elsewhere.

Logits are float32 numbers, or bfloat16 numbers as the uint16 that hold them. Weights are powers of two: a token's is 2 ** y, where
y = (logit - maximum) * scale and scale = log2(e) / T. Top-k, top-p and min-p each keep the most probable tokens down to an edge, a y and a
place: tokens above it stay, and those at it up to that place. It is found without a sort.
"""
# pyright: reportUntypedFunctionDecorator=false, reportMissingImports=false, reportCallIssue=false

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload

from edt_sampling.sampling.contract import COLDEST, ROUNDING
from edt_sampling.sampling.float32 import HOTTEST

LOG2E = math.log2(math.e)
SUMS = {"reassoc", "contract", "nsz", "arcp"}
"""What the compiler may do with sums. That there are no infinities or NaN it may not assume: masked tokens are infinite."""
BLOCK = 512
"""Weights are added in float32 within so many words, and in float64 from there on; a draw finds its block before its word."""
FAINTEST = np.float32(-125.0)
"""Below this y a weight is 0: 2 ** y would soon leave the range of float32 where arithmetic is fast."""
NOTHING = np.float32(-127.0)
"""What y is there: 2 ** NOTHING, as ``exp2`` puts it together, is exactly 0."""
ONE = np.float32(1.0)
C1, C2, C3, C4, C5, C6 = (
    np.float32(c)
    for c in (
        0.6931471824645996,
        0.24022647738456726,
        0.055503323674201965,
        0.00961843691766262,
        0.0013398875016719103,
        0.00015353361959569156,
    )
)
"""2 ** f for f in [-1/2, 1/2] as 1 + C1 f + ... + C6 f ** 6: of those with 1 at 0 the one of least relative error, 2e-9; rounded, 8e-8."""
SIGN = np.int32(31)
MAGNITUDE = np.int32(0x7FFFFFFF)
LOWEST_KEY = np.int32(-0x80000000)
TOP_K, TOP_P, MIN_P = 0, 1, 2
ABOVE = np.float32(1.0)
"""A y that no token reaches."""
CUTS = 8
"""A pass over the row compares it with so many levels."""
FEW = 64
"""So many tokens around the edge are taken one by one."""


def compiled(function: Any) -> Any:
    """The function as machine code, which becomes a part of those that call it."""
    return njit(fastmath=SUMS)(function)


def kept(function: Any) -> Any:
    """The function as machine code that Python calls, and that runs beside other threads; kept on disk where numba finds a place for it.

    It must always be called with the same types: two processes that keep code for different ones at once can mix them up.
    """
    try:
        return njit(fastmath=SUMS, nogil=True, cache=True)(function)
    except RuntimeError:  # no folder may be written to: it is compiled again in every process
        return njit(fastmath=SUMS, nogil=True)(function)


def entry(function: Any) -> Any:
    """``kept`` for rows of float32 that may be written to; for others the code is compiled in each process."""
    on_disk, in_memory = kept(function), njit(fastmath=SUMS, nogil=True)(function)

    def call(flat: Any, *arguments: Any) -> None:
        usual = flat.dtype == np.float32 and flat.flags.writeable
        (on_disk if usual else in_memory)(flat, *arguments)

    call.on_disk = on_disk  # type: ignore[attr-defined]
    return call


@intrinsic
def widest(typing_context: Any) -> Any:
    """Asks for 512-bit vectors in the function that calls it: compilers avoid them, and here they are half as fast again."""

    def ask(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite knows no names for attributes of this kind
        return context.get_dummy_value()

    return types.void(), ask


def number(stored: Any) -> Any:
    """The float32 number of a stored one."""
    raise NotImplementedError("only compiled code calls it")


@overload(number, inline="always")
def _number(stored: Any) -> Any:
    def as_it_is(stored: Any) -> Any:
        return stored

    def from_bits(stored: Any) -> Any:
        return np.uint32(np.uint32(stored) << np.uint32(16)).view(np.float32)

    return as_it_is if isinstance(stored, types.Float) else from_bits


def store(out: Any, place: Any, value: Any) -> Any:
    """Stores a float32 number, rounded to what the array holds."""
    raise NotImplementedError("only compiled code calls it")


@overload(store, inline="always")
def _store(out: Any, place: Any, value: Any) -> Any:
    def as_it_is(out: Any, place: Any, value: Any) -> Any:
        out[place] = value

    def to_nearest_even(out: Any, place: Any, value: Any) -> Any:
        bits = np.float32(value).view(np.uint32)
        rounded = np.uint32(bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))  # 32 bits again, or no vectors are used
        out[place] = np.uint16(rounded >> np.uint32(16))

    return as_it_is if isinstance(out.dtype, types.Float) else to_nearest_even


@njit(fastmath={"contract"})
def exp2(y: Any) -> Any:
    """2 ** y for y <= 0, 0 below ``FAINTEST``, and 1 at 0; NaN stays NaN."""
    y = NOTHING if y < FAINTEST else y
    n = np.rint(y)
    f = y - n
    p = C6 * f + C5
    p = p * f + C4
    p = p * f + C3
    p = p * f + C2
    p = p * f + C1
    p = p * f + ONE
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@njit
def _key(value: Any) -> Any:
    """An integer that grows with the number; a positive NaN's is above that of infinity. Maxima of integers need no assumption on NaN."""
    bits = np.float32(value).view(np.int32)
    return bits ^ ((bits >> SIGN) & MAGNITUDE)


@compiled
def maximum(row: Any) -> Any:
    """The largest logit and the lowest index that holds it."""
    widest()
    largest, where = LOWEST_KEY, 0
    for start in range(0, row.size, BLOCK):
        part = row[start : min(row.size, start + BLOCK)]
        key = LOWEST_KEY
        for i in range(part.size):
            key = max(key, _key(number(part[i])))
        if key > largest:
            largest, where = key, start
    value = np.int32(largest ^ ((largest >> SIGN) & MAGNITUDE)).view(np.float32)
    for i in range(0 if value == 0 else where, row.size):  # -0 lies below 0 as an integer, and equals it as a number
        if number(row[i]) == value:
            return value, i
    return value, where


@compiled
def _energy(part: Any, largest: Any, scale: Any) -> Any:
    """Sum of 2 ** y, and of 2 ** y * y, of a part of a row."""
    widest()
    weight, energy = np.float32(0), np.float32(0)
    for i in range(part.size):
        y = (number(part[i]) - largest) * scale
        w = exp2(y)
        weight += w
        energy += w * (NOTHING if y < FAINTEST else y)
    return weight, energy


@compiled
def energy_of(row: Any, largest: Any, best: Any, scale: Any) -> Any:
    """The sums of 2 ** y and 2 ** y * y over all tokens but the best one, whose weight is 1: so that small sums keep their digits."""
    weight, total = 0.0, 0.0
    for start in range(0, row.size, BLOCK):
        stop = min(row.size, start + BLOCK)
        inside = start <= best < stop
        w, e = _energy(row[start : best if inside else stop], largest, scale)
        weight += w
        total += e
        if inside:
            w, e = _energy(row[best + 1 : stop], largest, scale)
            weight += w
            total += e
    return weight, total


@compiled
def _extras(part: Any, largest: Any, scale: Any, mean: Any) -> Any:
    """Those of ``extras_of`` for a part of a row; the weight as the integer of the same bits, which grows with it."""
    widest()
    support, second, spread = np.int32(0), np.int32(0), np.float32(0)
    for i in range(part.size):
        value = number(part[i])
        support += np.int32(1) if value > -np.float32(np.inf) else np.int32(0)
        y = (value - largest) * scale
        w = np.float32(exp2(y))
        second = max(second, w.view(np.int32))
        away = (NOTHING if y < FAINTEST else y) - mean
        spread += w * away * away
    return support, second, spread


@compiled
def extras_of(row: Any, largest: Any, best: Any, scale: Any, mean: Any) -> Any:
    """How many tokens are not masked; the largest weight but the best one's; the sum of 2 ** y * (y - mean) ** 2 over all but that one."""
    support, second, spread = 1, np.int32(0), 0.0
    for start in range(0, row.size, BLOCK):
        stop = min(row.size, start + BLOCK)
        inside = start <= best < stop
        for low, high in ((start, best if inside else stop), (best + 1 if inside else stop, stop)):
            there, weight, part = _extras(row[low:high], largest, scale, mean)
            support += there
            second = max(second, weight)
            spread += part
    return support, np.int32(second).view(np.float32), spread


@compiled
def _weight(part: Any, largest: Any, scale: Any) -> Any:
    widest()
    weight = np.float32(0)
    for i in range(part.size):
        weight += exp2((number(part[i]) - largest) * scale)
    return weight


@compiled
def draw_from(row: Any, largest: Any, scale: Any, uniform: Any, sums: Any) -> Any:
    """The first token whose cumulated weight reaches uniform * total, and its share of the total; ``sums`` is room for the blocks' sums."""
    total = 0.0
    for block in range(sums.size):
        sums[block] = _weight(row[block * BLOCK : min(row.size, (block + 1) * BLOCK)], largest, scale)
        total += sums[block]
    block, share = find_block(sums, uniform * total)
    start, weights = block * BLOCK, np.zeros(BLOCK, np.float32)
    for i in range(min(BLOCK, row.size - start)):
        weights[i] = exp2((number(row[start + i]) - largest) * scale)
    place = find(weights, share)
    return start + place, weights[place] / total


@compiled
def find_block(sums: Any, target: Any) -> Any:
    """The first block in which the cumulated weight reaches ``target``, and by what share of the block's own."""
    block, reached = 0, 0.0
    while block < sums.size - 1 and reached + sums[block] < target:
        reached += sums[block]
        block += 1
    return block, (target - reached) / sums[block]


@compiled
def find(weights: Any, share: Any) -> Any:
    """The first place at which the cumulated weight reaches that share of the sum; never one of weight 0.

    The sum is taken here again, in this order: next to the sum of ``_weight``, whose last digits differ, u close to 1 would find a token
    of no weight to speak of.
    """
    total = 0.0
    for i in range(weights.size):
        total += weights[i]
    reached, last = 0.0, 0
    for i in range(weights.size):
        reached += weights[i]
        if weights[i] > 0:
            last = i
            if reached >= share * total:
                break
    return last


@compiled
def write_scaled(row: Any, largest: Any, best: Any, factor: Any, out: Any) -> None:
    """Writes (logits - largest) * factor; the best token's 0 alone where the factor is 0, the logits themselves where it is NaN."""
    widest()
    if np.isnan(factor):
        for i in range(row.size):
            out[i] = row[i]
    elif factor == 0:
        for i in range(row.size):
            store(out, i, -np.float32(np.inf))
        store(out, best, np.float32(0))
    else:
        for i in range(row.size):
            store(out, i, (number(row[i]) - largest) * factor)


@compiled
def weigh(row: Any, largest: Any, scale: Any, y: Any, weight: Any) -> Any:
    """Fills ``y`` and ``weight`` with the row's, and returns the sum of the weights."""
    widest()
    total = 0.0
    for start in range(0, row.size, BLOCK):
        stop = min(row.size, start + BLOCK)
        part, logs, weights = row[start:stop], y[start:stop], weight[start:stop]
        found = np.float32(0)
        for i in range(part.size):
            logs[i] = (number(part[i]) - largest) * scale
            weights[i] = exp2(logs[i])
            found += weights[i]
        total += found
    return total


@compiled
def move(edge: Any, last: Any, kind: Any, value: Any, y: Any, weight: Any, total: Any) -> Any:
    """The edge behind one more filter, given the one before it and the ``total`` weight of what that leaves."""
    if kind == MIN_P:
        return (np.float32(value), y.size) if np.float32(value) > edge else (edge, last)
    weighing = kind == TOP_P
    need = value * (1 - ROUNDING) * total if weighing else value
    least = (
        np.float32(math.log2((1 - value) * total / y.size) - 0.01) if weighing else FAINTEST
    )  # all below together weigh less than is left out
    level, place = _edge(y, weight, max(least, FAINTEST), need, weighing)
    higher = level > edge or (level == edge and place < last)
    return (level, place) if higher else (edge, last)


@compiled
def _edge(y: Any, weight: Any, low: Any, need: Any, weighing: Any) -> Any:
    """The last of the most probable tokens that make up ``need``, of their weights or of their number; ties go by place.

    The edge lies in [low, high). Each pass cuts that into ``CUTS`` + 1 parts and keeps one, until few tokens are left in it, or one y.
    """
    high, above = ABOVE, 0.0
    levels, reached = np.empty(CUTS, np.float32), np.empty(CUTS, np.float64)
    counts = np.empty((y.size + BLOCK - 1) // BLOCK, np.int32)
    while _count(y, low, high, counts) > FEW:
        for cut in range(CUTS):
            levels[cut] = low + (high - low) * np.float32((cut + 1) / (CUTS + 1))
        if levels[CUTS // 2] <= low or levels[CUTS // 2] >= high:  # no number lies between
            return low, _last_of_equals(y, weight, low, need - above, weighing, counts)
        _masses(y, weight, weighing, levels, reached)
        for cut in range(CUTS):
            if reached[cut] >= need:
                low = levels[cut]
            else:
                high, above = levels[cut], reached[cut]
                break
    return _last_of_few(y, weight, low, high, need - above, weighing, counts)


@compiled
def _count(y: Any, low: Any, high: Any, counts: Any) -> Any:
    """How many tokens lie in [low, high), and how many of them in each block."""
    widest()
    total = 0
    for block in range(counts.size):
        part = y[block * BLOCK : min(y.size, (block + 1) * BLOCK)]
        found = np.int32(0)
        for i in range(part.size):
            found += np.int32(1) if low <= part[i] < high else np.int32(0)
        counts[block] = found
        total += found
    return total


@compiled
def _masses(y: Any, weight: Any, weighing: Any, levels: Any, reached: Any) -> None:
    """What the tokens at or above each level weigh together, or how many they are."""
    widest()
    reached[:] = 0
    l0, l1, l2, l3, l4, l5, l6, l7 = levels[0], levels[1], levels[2], levels[3], levels[4], levels[5], levels[6], levels[7]
    zero, one = np.float32(0), np.float32(1)
    for start in range(0, y.size, BLOCK):
        stop = min(y.size, start + BLOCK)
        part, weights = y[start:stop], weight[start:stop]
        m0, m1, m2, m3, m4, m5, m6, m7 = zero, zero, zero, zero, zero, zero, zero, zero
        for i in range(part.size):
            v = part[i]
            w = weights[i] if weighing else one
            m0 += w if v >= l0 else zero
            m1 += w if v >= l1 else zero
            m2 += w if v >= l2 else zero
            m3 += w if v >= l3 else zero
            m4 += w if v >= l4 else zero
            m5 += w if v >= l5 else zero
            m6 += w if v >= l6 else zero
            m7 += w if v >= l7 else zero
        reached[0] += m0
        reached[1] += m1
        reached[2] += m2
        reached[3] += m3
        reached[4] += m4
        reached[5] += m5
        reached[6] += m6
        reached[7] += m7


@compiled
def _last_of_equals(y: Any, weight: Any, level: Any, need: Any, weighing: Any, counts: Any) -> Any:
    """The place of the token that completes ``need`` among those at one level."""
    taken, last = 0.0, y.size
    for block in range(counts.size):
        if counts[block]:
            for i in range(block * BLOCK, min(y.size, (block + 1) * BLOCK)):
                if y[i] == level:
                    taken += weight[i] if weighing else 1.0
                    if taken >= need:
                        return i
    return last


@compiled
def _last_of_few(y: Any, weight: Any, low: Any, high: Any, need: Any, weighing: Any, counts: Any) -> Any:
    """The edge among the few tokens in [low, high): the most probable of them are taken until they make up ``need``."""
    few, count = np.empty(FEW, np.int64), 0
    for block in range(counts.size):
        if counts[block]:
            for i in range(block * BLOCK, min(y.size, (block + 1) * BLOCK)):
                if low <= y[i] < high:
                    few[count] = i
                    count += 1
    taken = 0.0
    for done in range(count):
        best = done
        for a in range(done + 1, count):
            if y[few[a]] > y[few[best]] or (y[few[a]] == y[few[best]] and few[a] < few[best]):
                best = a
        few[done], few[best] = few[best], few[done]
        taken += weight[few[done]] if weighing else 1.0
        if taken >= need:
            return y[few[done]], few[done]
    return low, y.size  # the last digits of the sums asked for more than there is


@compiled
def _kept_sum(y: Any, weight: Any, level: Any) -> Any:
    """What the tokens at or above a level weigh together."""
    widest()
    found = np.float32(0)
    for i in range(y.size):
        found += weight[i] if y[i] >= level else np.float32(0)
    return found


@compiled
def kept_sums(y: Any, weight: Any, edge: Any, last: Any, sums: Any) -> Any:
    """Fills ``sums`` with what the tokens that are left weigh in each block, and returns their sum."""
    total = 0.0
    above = np.float32(np.nextafter(edge, ABOVE))
    for block in range(sums.size):
        start, stop = block * BLOCK, min(y.size, (block + 1) * BLOCK)
        middle = min(max(last + 1, start), stop)
        sums[block] = _kept_sum(y[start:middle], weight[start:middle], edge) + _kept_sum(y[middle:stop], weight[middle:stop], above)
        total += sums[block]
    return total


@compiled
def draw_from_kept(y: Any, weight: Any, edge: Any, last: Any, uniform: Any, sums: Any, total: Any) -> Any:
    """The first token left whose cumulated weight reaches uniform * total, and its share of the total."""
    block, share = find_block(sums, uniform * total)
    start, weights = block * BLOCK, np.zeros(BLOCK, np.float32)
    for i in range(start, min(y.size, start + BLOCK)):
        if y[i] > edge or (y[i] == edge and i <= last):
            weights[i - start] = weight[i]
    place = find(weights, share)
    return start + place, weights[place] / total


@entry
def read_rows(
    flat: Any, stride: Any, words: Any, first: Any, last: Any, scales: Any, largest: Any, best: Any, entropy: Any, highest: Any, mean: Any
) -> None:
    """H = ln(1 + R) - ln 2 * E / (1 + R), R the sum of 2 ** y over all tokens but the best, E that of 2 ** y * y, ``mean`` E / (1 + R)."""
    for r in range(first, last):
        row = flat[r * stride : r * stride + words]
        largest[r], best[r] = maximum(row)
        others, energy = np.nan, np.nan
        if np.isfinite(largest[r]):
            others, energy = energy_of(row, largest[r], best[r], scales[r])
            if np.isnan(others):
                largest[r] = np.nan
        mean[r], highest[r] = energy / (1 + others), 1 / (1 + others)
        entropy[r] = np.log1p(others) - mean[r] / LOG2E
        if entropy[r] < 0:
            entropy[r] = 0


@entry
def extras_of_rows(
    flat: Any,
    stride: Any,
    words: Any,
    first: Any,
    last: Any,
    scales: Any,
    largest: Any,
    best: Any,
    highest: Any,
    mean: Any,
    support: Any,
    margin: Any,
    varentropy: Any,
) -> None:
    for r in range(first, last):
        row = flat[r * stride : r * stride + words]
        support[r], second, spread = extras_of(row, largest[r], best[r], scales[r], np.float32(mean[r]))
        margin[r] = (1 - second) * highest[r]
        varentropy[r] = (spread + mean[r] ** 2) * highest[r] / LOG2E**2


@compiled
def _scaling(t: Any) -> Any:
    """What logits are multiplied with for a temperature, so that powers of two take the place of powers of e; 0 where it is greedy."""
    return np.float32(0) if t < COLDEST else np.float32(LOG2E / min(t, HOTTEST))


@entry
def pick_rows(
    flat: Any, stride: Any, words: Any, first: Any, last: Any, t: Any, largest: Any, best: Any, uniform: Any, token: Any, probability: Any
) -> None:
    sums = np.empty((words + BLOCK - 1) // BLOCK, np.float32)
    for r in range(last - 1, first - 1, -1):  # the rows that were read last are still in the cache
        token[r], probability[r], scale = best[r], 1.0, _scaling(t[r])
        if scale > 0:
            row = flat[r * stride : r * stride + words]
            token[r], probability[r] = draw_from(row, largest[r], scale, uniform[r], sums)


@entry
def pick_kept_rows(
    flat: Any,
    stride: Any,
    words: Any,
    first: Any,
    last: Any,
    t: Any,
    largest: Any,
    best: Any,
    uniform: Any,
    token: Any,
    probability: Any,
    kinds: Any,
    values: Any,
    room: Any,
) -> None:
    y, weight = room[:words], room[words : 2 * words]
    sums = np.empty((words + BLOCK - 1) // BLOCK, np.float32)
    for r in range(last - 1, first - 1, -1):  # the rows that were read last are still in the cache
        token[r], probability[r], scale = best[r], 1.0, _scaling(t[r])
        if scale > 0:
            total = weigh(flat[r * stride : r * stride + words], largest[r], scale, y, weight)
            edge, place = FAINTEST, words
            for step in range(kinds.size):
                edge, place = move(edge, place, kinds[step], values[step], y, weight, total)
                total = kept_sums(y, weight, edge, place, sums)
            token[r], probability[r] = draw_from_kept(y, weight, edge, place, uniform[r], sums, total)


@entry
def scale_rows(
    flat: Any,
    stride: Any,
    words: Any,
    first: Any,
    last: Any,
    largest: Any,
    best: Any,
    entropy: Any,
    t: Any,
    applied: Any,
    coming: Any,
    out: Any,
    out_stride: Any,
) -> None:
    """Each row divided so that with the engine's own temperatures it is divided by t; a row without a t or a distribution stays as it is,
    and its ``entropy`` and ``t`` become NaN."""
    for r in range(first, last):
        factor = np.float32(0)
        if np.isnan(t[r]) or not np.isfinite(largest[r]):
            factor = np.float32(np.nan)
            entropy[r], t[r] = np.nan, np.nan
        elif t[r] >= COLDEST:
            factor = np.float32(applied[r] * coming[r] / min(t[r], HOTTEST))
        row, target = flat[r * stride : r * stride + words], out[r * out_stride : r * out_stride + words]
        write_scaled(row, largest[r], best[r], factor, target)
