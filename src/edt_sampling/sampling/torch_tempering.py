"""Logits tempered in place, for engines that draw themselves: PyTorch, float32, and the host never waits for the device."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from edt_sampling.sampling.contract import COLDEST, LEAST
from edt_sampling.sampling.statistics import Statistics

HOTTEST = 1e30
"""A temperature above this one is taken as it: the inverse of ``contract.HOTTEST`` is 0 in float32, and -inf times 0 would be NaN."""


class Tempering(NamedTuple):
    """What happened to each row, ``[rows]``: the entropy (nats) that its policy read, and the temperature; NaN where it was left alone."""

    entropy: Tensor
    temperature: Tensor


class Temperatures(Protocol):
    """What gives each row its temperature from its statistics: a ``Mixture``, or whatever knows which rows have policies; NaN for none."""

    @property
    def needs(self) -> frozenset[str]: ...

    def temperature(self, statistics: Statistics) -> Tensor: ...


@torch.no_grad()
def temper_(logits: Tensor, policies: Temperatures, *, applied: Tensor | float = 1.0, coming: Tensor | float = 1.0) -> Tempering:
    """Divides each row of ``logits`` ``[rows, vocab]``, in place, so that with the engine's own temperature it is divided by its policy's.

    ``applied`` and ``coming``, ``[rows]`` or one number, are the engine's own temperatures: by which it has divided the logits already,
    and by which it is going to. The entropy is that of the logits before either. A row whose temperature is NaN, and one with NaN, +inf or
    nothing but -inf, is left as it came, bit for bit; below ``COLDEST`` a row keeps its maximum with the lowest index alone.
    """
    largest, best = logits.max(-1, keepdim=True)
    shifted = (logits.float() - largest.float()).mul_(_column(applied))
    read = _statistics(shifted, policies.needs)
    t = policies.temperature(read)
    tempered = shifted.mul_((_column(coming) / t.clamp(COLDEST, HOTTEST)[:, None]).float())
    greedy = (t < COLDEST)[:, None]
    alone = torch.arange(logits.shape[-1], device=logits.device) == best
    tempered = torch.where(greedy & ~alone, -math.inf, tempered).to(logits.dtype)
    left = (t.isnan() | ~largest[:, 0].isfinite())[:, None]
    logits.copy_(torch.where(left, logits, tempered))
    return Tempering(*(column.masked_fill(left[:, 0], math.nan) for column in (read.entropy, t)))


def _column(values: Tensor | float) -> Any:
    """Numbers as ``[rows, 1]``; one for all as it is, because to make a tensor of it on the device the host would wait."""
    return values.float()[:, None] if isinstance(values, Tensor) else values


def _statistics(shifted: Tensor, needs: frozenset[str]) -> Statistics:
    """Those of float32 logits with maximum 0, summed in float64: H = ln Z - sum w x / Z, w = exp(x), Z = sum w; a masked token adds 0."""
    logs = shifted.clamp(min=LEAST)
    weights = torch.where(shifted > LEAST, logs.exp(), 0.0)
    total = weights.sum(-1, dtype=torch.float64)
    mean = (logs * weights).sum(-1, dtype=torch.float64) / total
    read = Statistics((total.log() - mean).clamp(min=0), total.reciprocal(), (shifted > -math.inf).sum(-1).double())
    if "margin" in needs:
        second = weights.topk(2, dim=-1).values[:, 1] if weights.shape[1] > 1 else torch.zeros_like(total)
        read = replace(read, margin=(1 - second) / total)
    if "varentropy" in needs:
        read = replace(read, varentropy=((logs - mean[:, None]).square() * weights).sum(-1) / total)
    return read
