"""Logits tempered for engines that draw themselves: PyTorch, float32, and the host never waits for the device.

Where there is a ``fast_path``, it does the same in two passes.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edt_sampling.sampling.contract import COLDEST
from edt_sampling.sampling.float32 import FAINTEST, HOTTEST
from edt_sampling.sampling.statistics import Statistics
from edt_sampling.sampling.tempering import Temperatures, Tempering
from edt_sampling.sampling.torch import fast_path


@torch.no_grad()
def temper_(logits: Tensor, policies: Temperatures, *, applied: Tensor | float = 1.0, coming: Tensor | float = 1.0) -> Tempering:
    """Divides each row of ``logits`` ``[rows, vocab]``, in place, so that with the engine's own temperature it is divided by its policy's.

    ``applied`` and ``coming``, ``[rows]`` or one number, are the engine's own temperatures: by which it has divided the logits already,
    and by which it is going to. The entropy is that of the logits before either. A row whose temperature is NaN, and one with NaN, +inf or
    nothing but -inf, is left as it came, bit for bit; below ``COLDEST`` a row keeps its maximum with the lowest index alone.
    """
    if fast := fast_path(logits):
        return fast.temper(logits, policies, applied=applied, coming=coming, out=logits)
    return _temper(logits, policies, applied, coming, out=logits)


@torch.no_grad()
def tempered(logits: Tensor, policies: Temperatures, *, coming: Tensor | float = 1.0) -> tuple[Tensor, Tempering]:
    """What ``temper_`` would make of the logits, which stay as they are."""
    out = torch.empty_like(logits, memory_format=torch.contiguous_format)
    if fast := fast_path(logits):
        return out, fast.temper(logits, policies, applied=1.0, coming=coming, out=out)
    return out, _temper(logits, policies, 1.0, coming, out=out)


def _temper(logits: Tensor, policies: Temperatures, applied: Tensor | float, coming: Tensor | float, *, out: Tensor) -> Tempering:
    largest, best = logits.max(-1, keepdim=True)
    shifted = (logits.float() - largest.float()).mul_(_column(applied))
    read = _statistics(shifted, best, policies.needs)
    t = policies.temperature(read)
    scaled = shifted.mul_((_column(coming) / t.clamp(COLDEST, HOTTEST)[:, None]).float())
    scaled.add_(torch.where(t < COLDEST, -math.inf, 0.0)[:, None].float()).scatter_(1, best, 0.0)
    left = t.isnan() | ~largest[:, 0].isfinite()
    torch.where(left[:, None], logits, scaled.to(logits.dtype), out=out)
    return Tempering(*(column.masked_fill(left, math.nan) for column in (read.entropy, t)))


def _column(values: Tensor | float) -> Any:
    """Numbers as ``[rows, 1]``; one for all as it is, because to make a tensor of it on the device the host would wait."""
    return values.float()[:, None] if isinstance(values, Tensor) else values


def _statistics(shifted: Tensor, best: Tensor, needs: frozenset[str]) -> Statistics:
    """Those of logits x with maximum 0: H = ln(1 + R) - sum w x / (1 + R), w = exp(x), R the sum of all w but the ``best`` one's.

    With the best token, whose weight is 1, kept out of the sums, a small entropy keeps its digits. What takes a pass of its own is NaN
    unless it is in ``needs``.
    """
    logs = shifted.clamp(min=FAINTEST)
    weights = logs.exp().scatter_(1, best, 0.0)
    rest = weights.sum(-1).double()
    total = 1 + rest
    mean = (logs * weights).sum(-1) / total
    nothing = torch.full_like(total, math.nan)
    support = (shifted > -math.inf).sum(-1).double() if "support" in needs else nothing
    read = Statistics((torch.log1p(rest) - mean).clamp(min=0), total.reciprocal(), support)
    if "margin" in needs:
        read = replace(read, margin=(1 - weights.amax(-1).double()) / total)
    if "varentropy" in needs:
        spread = ((logs - mean[:, None].float()).square_() * weights).sum(-1) + mean.square()
        read = replace(read, varentropy=spread / total)
    return read
