"""PyTorch, float64 on the logits' device: draws the tokens that ``reference`` draws.

The host waits for the device once a draw, to learn whether every row is usable, and twice for each top-p.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import torch
from torch import Tensor

from edt_sampling.policies import Mixture, Policy
from edt_sampling.sampling.contract import (
    COLDEST,
    HOTTEST,
    LEAST,
    ROUNDING,
    Draw,
    Tempered,
    check_column,
    check_mixture,
    check_shape,
    undefined_temperature,
    unusable_rows,
)
from edt_sampling.sampling.filters import UNFILTERED, Filtering, Filters, TopK, TopP
from edt_sampling.sampling.statistics import Kept, Statistics

ACCEPTED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
BLOCK = 1024
SLAB = 1 << 16
"""On a CPU, rows are taken so many numbers at a time for each thread, which stay in its cache: twice as fast on 125 x 4,096."""


def mixture(policies: Sequence[Policy], *, like: Tensor) -> Mixture:
    """The policies of a batch, one a row, for ``temperature`` and ``draw`` of logits on the device of ``like``."""
    return Mixture(
        policies,
        xp=torch,
        array=lambda column: torch.tensor(column, dtype=torch.float64, device=like.device),
        index=lambda rows: torch.tensor(rows, dtype=torch.int64, device=like.device),
    )


@torch.no_grad()
def statistics(logits: Tensor, *, filters: Filters = UNFILTERED) -> Statistics:
    """Entropy, largest probability and support of the distribution that policies read, ``[rows]`` each."""
    return _read(logits, _maxima(logits)[0], filters)[1]


@torch.no_grad()
def temperature(logits: Tensor, mixture: Mixture, *, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Tensor:
    """The temperature that each row's policy gives it, ``[rows]``."""
    _, read = _read(logits, _maxima(logits)[0], filters)
    return temperature_at(read, mixture, **given)


@torch.no_grad()
def temperature_at(read: Statistics, mixture: Mixture, **given: Unpack[Kept]) -> Tensor:
    """The temperature that each row's policy gives at these statistics, ``[rows]``."""
    found = {name: values for name, values in given.items() if values is not None}
    check_mixture(mixture, len(read.entropy), frozenset(found))
    t = mixture.temperature(replace(read, **{name: _column(name, values, read.entropy) for name, values in found.items()}))
    if t.isnan().any():
        raise ValueError(undefined_temperature(mixture, t.isnan().tolist()))
    return t


@torch.no_grad()
def draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T) within the filters: the first i with cdf_i >= uniform * total.

    ``uniform`` in (0, 1). A row whose T is below ``COLDEST`` takes its maximum with the lowest index.
    Raises ValueError for a row with NaN, +inf or nothing but -inf, and for a statistic that a policy needs and is not given.
    """
    largest, best = _maxima(logits)
    slabs, read = _read(logits, largest, filters)
    t = temperature_at(read, mixture, **given)
    u = _column("uniform", uniform, t)
    warm = t >= COLDEST
    inverse = torch.where(warm, t, COLDEST).clamp(max=HOTTEST).reciprocal()
    sizes = [len(slab) for slab in slabs]
    picks = [_pick(*slab, filters.after) for slab in zip(slabs, inverse.split(sizes), u.split(sizes), strict=True)]
    drawn, probability = (torch.cat(parts) for parts in zip(*picks, strict=True))
    return Draw(torch.where(warm, drawn, best), read.entropy, t, torch.where(warm, probability, 1.0))


@torch.no_grad()
def tempered(logits: Tensor, tokens: Tensor, temperatures: Tensor) -> Tempered:
    """Entropy and -ln p of ``tokens`` ``[rows]`` under softmax(logits / T), for each of ``temperatures`` ``[settings, rows]``.

    A T below ``COLDEST`` is taken as that, so that a token which is not the best one has a large, finite -ln p.
    """
    largest, _ = _maxima(logits)
    inverse = temperatures.double().clamp(COLDEST, HOTTEST).reciprocal()
    size = _slab(logits)
    slabs = zip(logits.split(size), largest.split(size), tokens.split(size), inverse.split(size, dim=-1), strict=True)
    parts = [_tempered_slab(_shifted(rows, top), own, by) for rows, top, own, by in slabs]
    return Tempered(*(torch.cat(columns, -1) for columns in zip(*parts, strict=True)))


def _tempered_slab(shifted: Tensor, tokens: Tensor, inverse: Tensor) -> Tempered:
    """One setting after the other, in the same two arrays ``[rows, vocab]``: new ones would take as long as the arithmetic."""
    total, energy = torch.empty_like(inverse), torch.empty_like(inverse)
    logs, weights = torch.empty_like(shifted), torch.empty_like(shifted)
    for setting, by in enumerate(inverse):
        torch.mul(shifted, by[:, None], out=logs).clamp_(min=LEAST)
        torch.exp(logs, out=weights)
        total[setting], energy[setting] = _total(weights), _total(logs.mul_(weights))
    own = shifted.gather(-1, tokens[:, None])[:, 0]
    return Tempered((total.log() - energy / total).clamp(min=0), total.log() - own * inverse)


def kept(logs: Tensor, weights: Tensor, steps: Sequence[Filtering]) -> Tensor:
    """Which tokens the filters leave, bool ``[rows, vocab]``: weights = exp(logs), max log 0. Each step sees what the one before left."""
    keep = torch.ones_like(logs, dtype=torch.bool)
    for step in steps:
        if isinstance(step, TopK):
            keep &= _top_k(logs, step.k)
        elif isinstance(step, TopP):
            keep &= _top_p(logs, weights if step is steps[0] else weights.masked_fill(~keep, 0.0), step.p)
        else:
            keep &= logs >= math.log(step.p)
    return keep


def _pick(shifted: Tensor, inverse: Tensor, u: Tensor, steps: Sequence[Filtering]) -> tuple[Tensor, Tensor]:
    """The token of each row, the first whose cumulated weight reaches u * total, and its share of the total."""
    logs = shifted * inverse[:, None]
    weights = _weights(logs)
    if steps:
        weights.masked_fill_(~kept(logs, weights, steps), 0.0)
    cdf = weights.cumsum(-1)
    if cdf.device.type != "cpu":  # a parallel scan may step down by a rounding error, or up at a token of weight 0
        cdf = cdf.masked_fill_(weights == 0, 0.0).cummax(-1).values
    total = cdf[:, -1:]
    index = torch.searchsorted(cdf, u[:, None] * total)
    return index[:, 0], (weights.gather(-1, index) / total)[:, 0]


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


def _maxima(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's maximum and its lowest index; or the error that names the rows which have none."""
    check_shape(logits.shape)
    if logits.dtype not in ACCEPTED:
        raise ValueError(f"logits must be floating point, got {str(logits.dtype).removeprefix('torch.')}")
    largest, best = logits.max(-1)
    if not largest.isfinite().all():
        raise ValueError(unusable_rows(largest.tolist()))
    return largest.double(), best


def _weights(logs: Tensor) -> Tensor:
    """exp(logs), 0 at and below ``LEAST``: near the smallest numbers an exponential takes a hundred times as long."""
    return torch.threshold_(logs.clamp(min=LEAST).exp_(), 1.001 * math.exp(LEAST), 0.0)


def _statistics(shifted: Tensor, weights: Tensor) -> Statistics:
    """H = ln Z - sum w x / Z of max-shifted logits x, w = exp(x), Z = sum w; a masked token adds 0."""
    total = _total(weights)
    entropy = total.log() - _total(shifted.clamp(min=LEAST).mul_(weights)) / total
    return Statistics(entropy.clamp(min=0), total.reciprocal(), (shifted > -math.inf).sum(-1).double())


def _total(values: Tensor) -> Tensor:
    """Row sums whose order of additions depends on nothing but the row: torch splits a lone long row over its threads."""
    blocks = values.shape[-1] // BLOCK
    whole = values[:, : blocks * BLOCK].unflatten(-1, (blocks, BLOCK)).sum(-1).sum(-1)
    return whole + values[:, blocks * BLOCK :].sum(-1)


def _read(logits: Tensor, largest: Tensor, filters: Filters) -> tuple[list[Tensor], Statistics]:
    """Max-shifted logits, -inf where a filter before the temperature drops a token, in slabs, and what the policies read."""
    size = _slab(logits)
    pairs = [_read_slab(*slab, filters) for slab in zip(logits.split(size), largest.split(size), strict=True)]
    columns = zip(*((s.entropy, s.max_probability, s.support) for _, s in pairs), strict=True)
    return [left for left, _ in pairs], Statistics(*(torch.cat(column) for column in columns))


def _slab(logits: Tensor) -> int:
    """How many rows are taken at a time."""
    return max(1, SLAB * torch.get_num_threads() // logits.shape[1]) if logits.device.type == "cpu" else max(1, len(logits))


def _shifted(logits: Tensor, largest: Tensor) -> Tensor:
    return logits.to(torch.float64, copy=True, memory_format=torch.contiguous_format).sub_(largest[:, None])


def _read_slab(logits: Tensor, largest: Tensor, filters: Filters) -> tuple[Tensor, Statistics]:
    shifted = _shifted(logits, largest)
    weights = _weights(shifted)
    if not filters.before:
        return shifted, _statistics(shifted, weights)
    dropped = ~kept(shifted, weights, filters.before)
    left = shifted.masked_fill(dropped, -math.inf)
    raw = filters.entropy_of == "raw"
    return left, _statistics(shifted, weights) if raw else _statistics(left, weights.masked_fill_(dropped, 0.0))


def _column(name: str, values: Any, like: Tensor) -> Tensor:
    column = torch.as_tensor(values, dtype=torch.float64, device=like.device)
    check_column(name, column.shape, len(like))
    return column
