"""Which tokens the filters leave, in PyTorch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from edt_sampling.sampling.contract import ROUNDING
from edt_sampling.sampling.filters import Filtering, MinP, TopH, TopK, TopNSigma, TopP, Typical


def kept(logs: Tensor, weights: Tensor, steps: Sequence[Filtering], *, allowed: Tensor | None = None) -> Tensor:
    """Which tokens the filters leave, bool ``[rows, vocab]``: weights = exp(logs), max log 0. Each step sees what the one before left.

    ``allowed`` ``[rows]`` are the bits of surprise that mirostat allows.
    """
    keep = logs > -math.inf
    for step in steps:
        keep &= _kept(step, logs, weights, allowed)
        if step is not steps[-1]:
            logs, weights = _left(logs, keep), weights.masked_fill(~keep, 0.0)
    return keep


def _left(logs: Tensor, keep: Tensor) -> Tensor:
    """The logs of the tokens that are left, the best one's 0."""
    logs = logs.masked_fill(~keep, -math.inf)
    return logs.sub_(logs.amax(-1, keepdim=True))


def _kept(step: Filtering, logs: Tensor, weights: Tensor, allowed: Tensor | None) -> Tensor:
    if isinstance(step, TopK):
        return _top_k(logs, step.k)
    if isinstance(step, TopP):
        return _top_p(logs, weights, step.p)
    if isinstance(step, MinP):
        return logs >= math.log(step.p)
    if isinstance(step, TopNSigma):
        return logs >= -step.n * (1 + ROUNDING) * _deviation(logs)
    if isinstance(step, Typical):
        return _typical(logs, weights, step.p)
    if isinstance(step, TopH):
        return _top_h(logs, weights, step.alpha)
    assert allowed is not None
    bits = allowed[:, None] * (1 + ROUNDING)
    return _with_best(_surprise(logs, weights) <= bits * math.log(2), logs)


def _surprise(logs: Tensor, weights: Tensor) -> Tensor:
    """-ln p, nats; infinite for a token that is not there."""
    at_best = weights.amax(-1, keepdim=True)  # below 1 where the best token of all is dropped
    return (weights.sum(-1, keepdim=True) / at_best).log() - logs


def _deviation(logs: Tensor) -> Tensor:
    """The standard deviation of the logits that are there, ``[rows, 1]``."""
    alive = logs > -math.inf
    count = alive.sum(-1, keepdim=True)
    finite = logs.masked_fill(~alive, 0.0)
    away = (finite - finite.sum(-1, keepdim=True) / count).masked_fill_(~alive, 0.0)
    return (away.square_().sum(-1, keepdim=True) / count).sqrt()


def _typical(logs: Tensor, weights: Tensor, p: float) -> Tensor:
    """The tokens nearest to the entropy that have p of the mass together."""
    if p == 1:
        return torch.ones_like(logs, dtype=torch.bool)
    surprise = _surprise(logs, weights).masked_fill_(weights == 0, 0.0)
    total = weights.sum(-1, keepdim=True)
    entropy = (weights * surprise).sum(-1, keepdim=True) / total
    away = (surprise - entropy).abs_().masked_fill_(weights == 0, math.inf)
    order = _ranked(logs, away)
    masses = weights.gather(-1, order)
    inside = masses.cumsum(-1) - masses < p * (1 - ROUNDING) * total
    return torch.empty_like(inside).scatter_(1, order, inside)


def _ranked(logs: Tensor, away: Tensor) -> Tensor:
    """Tokens from the least ``away`` on; equal ones from the most probable on, then by index."""
    by_logs = torch.sort(logs, stable=True, dim=-1, descending=True).indices
    return by_logs.gather(-1, torch.sort(away.gather(-1, by_logs), stable=True, dim=-1).indices)


def _top_h(logs: Tensor, weights: Tensor, alpha: float) -> Tensor:
    """The most probable tokens while their terms -p ln p sum to at most alpha of the entropy."""
    order = torch.sort(logs, stable=True, dim=-1, descending=True).indices
    surprise = _surprise(logs, weights).masked_fill_(weights == 0, 0.0)
    terms = (weights * surprise / weights.sum(-1, keepdim=True)).gather(-1, order)
    inside = terms.cumsum(-1) <= alpha * (1 + ROUNDING) * terms.sum(-1, keepdim=True)
    return _with_best(torch.empty_like(inside).scatter_(1, order, inside), logs)


def _with_best(keep: Tensor, logs: Tensor) -> Tensor:
    """These tokens and, whatever they are, the most probable one with the lowest index."""
    return keep.scatter_(1, logs.argmax(-1, keepdim=True), True)


def _top_k(logs: Tensor, k: int) -> Tensor:
    if k >= logs.shape[-1]:
        return torch.ones_like(logs, dtype=torch.bool)
    edge = logs.topk(k, sorted=False).values.amin(-1, keepdim=True)
    above, level = logs > edge, logs == edge
    return above | (level & (level.cumsum(-1) <= k - above.sum(-1, keepdim=True)))


def _top_p(logs: Tensor, weights: Tensor, p: float) -> Tensor:
    """Top-p without sorting the row: tokens are counted into buckets of 1/8 nat, and only the bucket with the edge is sorted."""
    if p == 1:
        return torch.ones_like(logs, dtype=torch.bool)
    bucket = (logs * -8).clamp_(max=255).to(torch.uint8)
    reached = logs.new_zeros(len(logs), 256).scatter_add_(1, bucket.long(), weights).cumsum(-1)
    need = p * (1 - ROUNDING) * reached[:, -1:]
    cut = (reached < need).sum(-1, keepdim=True)
    above = torch.where(cut > 0, reached.gather(-1, (cut - 1).clamp(min=0)), 0.0)
    cut = cut.to(torch.uint8)
    row, column = (bucket == cut).nonzero(as_tuple=True)
    keep = bucket < cut
    keep[row, column] = _edge(logs[row, column], weights[row, column], row, need - above)
    return keep


def _edge(logs: Tensor, weights: Tensor, row: Tensor, need: Tensor) -> Tensor:
    """Which tokens of the edge buckets, listed row by row, are among the most probable ones that make up ``need`` ``[rows, 1]``."""
    count = torch.bincount(row, minlength=len(need))
    place = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
    shape = (len(need), int(count.max()) if len(need) else 0)
    values = weights.new_full(shape, -math.inf).index_put_((row, place), logs)
    masses = weights.new_zeros(shape).index_put_((row, place), weights)
    order = torch.sort(values, stable=True, dim=-1, descending=True).indices
    masses = masses.gather(-1, order)
    inside = masses.cumsum(-1) - masses < need
    return torch.empty_like(inside).scatter_(1, order, inside)[row, place]
