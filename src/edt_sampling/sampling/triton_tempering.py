"""Logits tempered in place in Triton, for engines that draw themselves: what ``torch_tempering`` does in two readings of the logits."""
# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false, reportIndexIssue=false

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from edt_sampling.sampling.contract import COLDEST
from edt_sampling.sampling.float32 import HOTTEST
from edt_sampling.sampling.torch_tempering import Temperatures, Tempering
from edt_sampling.sampling.triton_statistics import read
from edt_sampling.sampling.triton_tiles import load_tile, tiles

COLD = tl.constexpr(COLDEST)
HOT = tl.constexpr(HOTTEST)


@torch.no_grad()
def temper_(logits: Tensor, policies: Temperatures, *, applied: Tensor | float = 1.0, coming: Tensor | float = 1.0) -> Tempering:
    """Divides each row of ``logits`` ``[rows, vocab]``, in place, so that with the engine's own temperature it is divided by its policy's.

    ``applied`` and ``coming``, ``[rows]`` or one number, are the engine's own temperatures: by which it has divided the logits already,
    and by which it is going to. The entropy is that of the logits before either. A row whose temperature is NaN, and one with NaN, +inf or
    nothing but -inf, is left as it came, bit for bit; below ``COLDEST`` a row keeps its maximum with the lowest index alone.
    Raises ValueError for float64.
    """
    cut = tiles(logits)
    if not cut.rows:
        nothing = torch.empty(0, dtype=torch.float64, device=logits.device)
        return Tempering(nothing, nothing)
    with torch.cuda.device_of(logits):
        before, after = _column(applied, logits), _column(coming, logits)
        found = read(logits, cut=cut, needs=policies.needs, applied=before)
        t = policies.temperature(found.statistics).masked_fill(found.unusable, math.nan)
        columns, brain = (t, found.largest, found.best, before, after), logits.dtype == torch.bfloat16
        _scale[cut.grid](logits, *columns, cut.words, *logits.stride(), SIZE=cut.size, BRAIN=brain, num_warps=cut.warps)
    return Tempering(found.statistics.entropy.masked_fill(t.isnan(), math.nan), t)


def _column(values: Tensor | float, like: Tensor) -> Tensor | None:
    """Numbers as float32 ``[rows]`` on the device, filled there so that the host does not wait; None for 1."""
    if isinstance(values, Tensor):
        return values.float().expand(len(like)).contiguous()
    return None if values == 1 else torch.full((len(like),), values, dtype=torch.float32, device=like.device)


@triton.jit
def _scale(logits, t, largest, best, applied, coming, words, row_stride, stride, SIZE: tl.constexpr, BRAIN: tl.constexpr):
    row, tile = tl.program_id(0).to(tl.int64), tl.program_id(1)
    index, x = load_tile(logits, row, tile, words, row_stride, stride, SIZE)
    temperature = tl.load(t + row)
    shifted = x - tl.load(largest + row)
    if applied is not None:
        shifted = shifted * tl.load(applied + row)
    factor = 1.0 / tl.minimum(tl.maximum(temperature, COLD), HOT)
    if coming is not None:
        factor = factor * tl.load(coming + row)
    tempered = shifted * factor.to(tl.float32)
    at_best = index == tl.load(best + row)
    tempered = tl.where(at_best, 0.0, tl.where(temperature < COLD, -float("inf"), tempered))
    place = row * row_stride + index.to(tl.int64) * stride
    end = tl.where(temperature == temperature, words, 0)  # NaN is not what it is, and its row stays
    tl.store(logits + place, _rounded(tempered, logits.dtype.element_ty, BRAIN), mask=index < end)


@triton.jit
def _rounded(x, TYPE: tl.constexpr, BRAIN: tl.constexpr):
    """Numbers that are not NaN, to the nearest of their type, halves to even: spelt out for bfloat16, which the interpreter cuts short."""
    if BRAIN:
        bits = x.to(tl.uint32, bitcast=True)
        bits = bits + 0x7FFF + ((bits >> 16) & 1)
        return (bits >> 16).to(tl.uint16).to(tl.bfloat16, bitcast=True)
    return x.to(TYPE)
