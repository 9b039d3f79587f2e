"""PyTorch, float64 on the logits' device: draws the tokens that ``reference`` draws.

What the float32 fast paths take is theirs: ``torch_numba``'s on a CPU, ``torch_triton``'s on a CUDA device. Otherwise the host waits for
the device once a draw, to learn whether every row is usable, and twice for each top-p.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any, Unpack, cast

import numpy as np
import torch
from torch import Tensor

from edt_sampling.policies import Mixture, Policy
from edt_sampling.sampling import gumbel, reference
from edt_sampling.sampling.contract import (
    ALWAYS,
    COLDEST,
    COMPUTED,
    HOTTEST,
    LEAST,
    RAREST,
    READ,
    Draw,
    Tempered,
    check_allowed,
    check_column,
    check_mixture,
    check_shape,
    undefined_temperature,
    unusable_rows,
)
from edt_sampling.sampling.filters import UNFILTERED, Filtering, Filters
from edt_sampling.sampling.float32 import knows, on
from edt_sampling.sampling.host import host
from edt_sampling.sampling.statistics import Kept, Statistics
from edt_sampling.sampling.torch_filters import kept

ACCEPTED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
FAST = (torch.float16, torch.bfloat16, torch.float32)
COMPILERS = {"cpu": "numba", "cuda": "triton"}
BLOCK = 1024
SLAB = 1 << 16
"""On a CPU, rows are taken so many numbers at a time for each thread, which stay in its cache: twice as fast on 125 x 4,096."""


def fast_path(logits: Tensor) -> Any:
    """The module that computes in float32 what this one does in float64, where the device has one, the logits fit, and it is on."""
    compiler = COMPILERS.get(logits.device.type)
    return _module(compiler) if compiler and logits.dtype in FAST and on(compiler) else None


@cache
def _module(compiler: str) -> Any:
    return import_module(f"edt_sampling.sampling.torch_{compiler}")  # what it needs may not be installed, and takes a while to import


def mixture(policies: Sequence[Policy], *, like: Tensor) -> Mixture:
    """The policies of a batch, one a row, for ``temperature`` and ``draw`` of logits on the device of ``like``."""
    return Mixture(
        policies,
        xp=torch,
        array=lambda column: torch.tensor(column, dtype=torch.float64, device=like.device),
        index=lambda rows: torch.tensor(rows, dtype=torch.int64, device=like.device),
    )


@torch.no_grad()
def statistics(logits: Tensor, *, filters: Filters = UNFILTERED, needs: frozenset[str] = ALWAYS) -> Statistics:
    """Entropy, largest probability and support of the distribution that policies read, ``[rows]`` each; what else ``needs`` names."""
    if not filters.before and (fast := fast_path(logits)):
        return fast.statistics(logits, needs=needs)
    return _read(logits, _maxima(logits)[0], filters, needs)[1]


@torch.no_grad()
def temperature(logits: Tensor, mixture: Mixture, *, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Tensor:
    """The temperature that each row's policy gives it, ``[rows]``."""
    return temperature_at(statistics(logits, filters=filters, needs=mixture.needs), mixture, **given)


@torch.no_grad()
def temperature_at(read: Statistics, mixture: Mixture, **given: Unpack[Kept]) -> Tensor:
    """The temperature that each row's policy gives at these statistics, ``[rows]``."""
    found = {name: values for name, values in given.items() if values is not None and name in READ}
    check_mixture(mixture, len(read.entropy), frozenset(found))
    columns = {name: _column(name, values, read.entropy) for name, values in found.items()}
    t = mixture.temperature(replace(read, **columns) if columns else read)
    if t.isnan().any():
        raise ValueError(undefined_temperature(mixture, t.isnan().tolist()))
    return t


def draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T) within the filters: the first i with cdf_i >= uniform * total.

    ``uniform`` in (0, 1). A row whose T is below ``COLDEST`` takes its maximum with the lowest index.
    Raises ValueError for a row with NaN, +inf or nothing but -inf, and for a statistic that a policy needs and is not given.
    """
    fast = fast_path(logits) if knows(filters) else None
    return (fast.draw if fast else _draw)(logits, mixture, uniform=uniform, filters=filters, **given)


@torch.no_grad()
def _draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters, **given: Unpack[Kept]) -> Draw:
    check_allowed(filters, frozenset(given))
    largest, best = _maxima(logits)
    slabs, read = _read(logits, largest, filters, mixture.needs)
    t = temperature_at(read, mixture, **given)
    u = _column("uniform", uniform, t)
    warm = t >= COLDEST
    inverse = torch.where(warm, t, COLDEST).clamp(max=HOTTEST).reciprocal()
    sizes = [len(slab) for slab in slabs]
    columns = [inverse, u, *([_column("allowed_surprise", given.get("allowed_surprise"), t)] if filters.mirostat else [])]
    picks = [_pick(filters.after, *slab) for slab in zip(slabs, *(column.split(sizes) for column in columns), strict=True)]
    drawn, probability = (torch.cat(parts) for parts in zip(*picks, strict=True))
    return Draw(torch.where(warm, drawn, best), read.entropy, t, torch.where(warm, probability, 1.0))


def gumbel_draw(logits: Tensor, mixture: Mixture, *, key: Any, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T) by noise under the row's ``key``: ``gumbel.draw``'s, which does it where no kernel is.

    ``key``: ``noise_keys``, uint64 of NumPy, or int64 tensors of the same bits.
    """
    if logits.device.type == "cuda" and (fast := fast_path(logits)):
        return fast.gumbel_draw(logits, mixture, key=key, **given)
    own = key.cpu().numpy().view(np.uint64) if isinstance(key, Tensor) else np.atleast_1d(key)
    kept = {name: host(values) for name, values in given.items()}
    found = gumbel.draw(host(logits), reference.mixture(mixture.policies), key=own, **cast(Kept, kept))
    return Draw(*(torch.from_numpy(column).to(logits.device) for column in found))


@torch.no_grad()
def tempered(logits: Tensor, tokens: Any, temperatures: Any) -> Tempered:
    """Entropy and -ln p of ``tokens`` ``[rows]`` under softmax(logits / T), for each of ``temperatures`` ``[settings, rows]``.

    A T below ``COLDEST`` is taken as that, so that a token which is not the best one has a large, finite -ln p.
    """
    largest, _ = _maxima(logits)
    own = torch.as_tensor(tokens, device=logits.device)
    inverse = torch.as_tensor(temperatures, dtype=torch.float64, device=logits.device).clamp(COLDEST, HOTTEST).reciprocal()
    size = _slab(logits)
    slabs = zip(logits.split(size), largest.split(size), own.split(size), inverse.split(size, dim=-1), strict=True)
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


@torch.no_grad()
def divergence(logits: Tensor, without: Tensor) -> Tensor:
    """KL(softmax(logits) || softmax(without)) of each row, nats, ``[rows]``, never below 0; probabilities clipped to [RAREST, 1].

    Source: arXiv 2306.01286, ``kl_guided_sampling``, which clips without normalising again.
    """
    size = _slab(logits)
    pairs = zip(*(zip(x.split(size), _maxima(x)[0].split(size), strict=True) for x in (logits, without)), strict=True)
    return torch.cat([_divergence(*(_shares(*part) for part in pair)) for pair in pairs])


def _divergence(p: Tensor, q: Tensor) -> Tensor:
    return _total(p * (p.log() - q.log())).clamp(min=0)


def _shares(logits: Tensor, largest: Tensor) -> Tensor:
    """Clipped probabilities."""
    weights = _weights(_shifted(logits, largest))
    return weights.div_(_total(weights)[:, None]).clamp_(RAREST, 1)


def _pick(steps: Sequence[Filtering], shifted: Tensor, inverse: Tensor, u: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The token of each row, the first whose cumulated weight reaches u * total, and its share of the total."""
    logs = shifted * inverse[:, None]
    weights = _weights(logs)
    if steps:
        weights.masked_fill_(~kept(logs, weights, steps, allowed=allowed), 0.0)
    cdf = weights.cumsum(-1)
    if cdf.device.type != "cpu":  # a parallel scan may step down by a rounding error, or up at a token of weight 0
        cdf = cdf.masked_fill_(weights == 0, 0.0).cummax(-1).values
    total = cdf[:, -1:]
    index = torch.searchsorted(cdf, u[:, None] * total)
    return index[:, 0], (weights.gather(-1, index) / total)[:, 0]


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


def _statistics(shifted: Tensor, weights: Tensor, needs: frozenset[str]) -> Statistics:
    """H = ln Z - sum w x / Z of max-shifted logits x, w = exp(x), Z = sum w; a masked token adds 0."""
    total, logs = _total(weights), shifted.clamp(min=LEAST)
    mean = _total(logs * weights) / total
    read = Statistics((total.log() - mean).clamp(min=0), total.reciprocal(), (shifted > -math.inf).sum(-1).double())
    if "margin" in needs:
        second = weights.topk(2, dim=-1).values[:, 1] if weights.shape[1] > 1 else torch.zeros_like(total)
        read = replace(read, margin=(1 - second) / total)
    if "varentropy" in needs:
        read = replace(read, varentropy=_total((logs - mean[:, None]).square_().mul_(weights)) / total)
    return read


def _total(values: Tensor) -> Tensor:
    """Row sums whose order of additions depends on nothing but the row: torch splits a lone long row over its threads."""
    blocks = values.shape[-1] // BLOCK
    whole = values[:, : blocks * BLOCK].unflatten(-1, (blocks, BLOCK)).sum(-1).sum(-1)
    return whole + values[:, blocks * BLOCK :].sum(-1)


def _read(logits: Tensor, largest: Tensor, filters: Filters, needs: frozenset[str]) -> tuple[list[Tensor], Statistics]:
    """Max-shifted logits, -inf where a filter before the temperature drops a token, in slabs, and what the policies read."""
    size = _slab(logits)
    pairs = [_read_slab(*slab, filters, needs) for slab in zip(logits.split(size), largest.split(size), strict=True)]
    parts = {name: [getattr(read, name) for _, read in pairs] for name in ALWAYS | (needs & COMPUTED)}
    return [left for left, _ in pairs], Statistics(**{name: torch.cat(part) for name, part in parts.items()})


def _slab(logits: Tensor) -> int:
    """How many rows are taken at a time."""
    return max(1, SLAB * torch.get_num_threads() // logits.shape[1]) if logits.device.type == "cpu" else max(1, len(logits))


def _shifted(logits: Tensor, largest: Tensor) -> Tensor:
    return logits.to(torch.float64, copy=True, memory_format=torch.contiguous_format).sub_(largest[:, None])


def _read_slab(logits: Tensor, largest: Tensor, filters: Filters, needs: frozenset[str]) -> tuple[Tensor, Statistics]:
    shifted = _shifted(logits, largest)
    weights = _weights(shifted)
    if not filters.before:
        return shifted, _statistics(shifted, weights, needs)
    dropped = ~kept(shifted, weights, filters.before)
    left = shifted.masked_fill(dropped, -math.inf)
    raw = filters.entropy_of == "raw"
    return left, _statistics(shifted, weights, needs) if raw else _statistics(left, weights.masked_fill_(dropped, 0.0), needs)


def _column(name: str, values: Any, like: Tensor) -> Tensor:
    column = torch.as_tensor(values, dtype=torch.float64, device=like.device)
    check_column(name, column.shape, len(like))
    return column
