"""NumPy, float64, plain: what every other backend must agree with. Full sorts are allowed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from edt_sampling.policies import Mixture, Policy
from edt_sampling.sampling.contract import (
    ALWAYS,
    COLDEST,
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
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.reference_filters import kept
from edt_sampling.sampling.statistics import Kept, Statistics

Array = NDArray[np.float64]


def mixture(policies: Sequence[Policy], *, like: object = None) -> Mixture:  # noqa: ARG001 - the signature of every backend
    """The policies of a batch, one a row, for ``temperature`` and ``draw``."""
    return Mixture(policies, xp=np, array=lambda column: np.asarray(column, np.float64), index=lambda rows: np.asarray(rows, np.intp))


@np.errstate(over="ignore")
def statistics(logits: NDArray[Any], *, filters: Filters = UNFILTERED, needs: frozenset[str] = ALWAYS) -> Statistics:
    """Entropy, largest probability and support of the distribution that policies read, ``[rows]`` each; what else ``needs`` names."""
    return _read(logits, filters, needs)[1]


@np.errstate(over="ignore")
def temperature(logits: NDArray[Any], mixture: Mixture, *, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Array:
    """The temperature that each row's policy gives it, ``[rows]``."""
    _, read = _read(logits, filters, mixture.needs)
    return temperature_at(read, mixture, **given)


@np.errstate(over="ignore")
def temperature_at(read: Statistics, mixture: Mixture, **given: Unpack[Kept]) -> Array:
    """The temperature that each row's policy gives at these statistics, ``[rows]``."""
    found = {name: values for name, values in given.items() if values is not None and name in READ}
    check_mixture(mixture, len(read.entropy), frozenset(found))
    t = mixture.temperature(replace(read, **{name: _column(name, values, len(read.entropy)) for name, values in found.items()}))
    if np.isnan(t).any():
        raise ValueError(undefined_temperature(mixture, np.isnan(t).tolist()))
    return t


@np.errstate(over="ignore")
def draw(logits: NDArray[Any], mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T) within the filters: the first i with cdf_i >= uniform * total.

    ``uniform`` in (0, 1). A row whose T is below ``COLDEST`` takes its maximum with the lowest index.
    Raises ValueError for a row with NaN, +inf or nothing but -inf, and for a statistic that a policy needs and is not given.
    """
    check_allowed(filters, frozenset(given))
    shifted, read = _read(logits, filters, mixture.needs)
    t = temperature_at(read, mixture, **given)
    u = _column("uniform", uniform, len(shifted))
    warm = t >= COLDEST
    logs = shifted * (1 / np.minimum(np.where(warm, t, COLDEST), HOTTEST))[:, None]
    weights = _weights(logs)
    allowed = _column("allowed_surprise", given.get("allowed_surprise"), len(shifted)) if filters.mirostat else None
    weights = np.where(kept(logs, weights, filters.after, allowed=allowed), weights, 0)
    cdf = np.cumsum(weights, axis=-1)
    drawn = np.argmax(cdf >= (u * cdf[:, -1])[:, None], axis=-1)
    probability = np.take_along_axis(weights, drawn[:, None], -1)[:, 0] / cdf[:, -1]
    return Draw(np.where(warm, drawn, np.argmax(shifted, axis=-1)), read.entropy, t, np.where(warm, probability, 1.0))


@np.errstate(over="ignore")
def tempered(logits: NDArray[Any], tokens: Any, temperatures: Any) -> Tempered:
    """Entropy and -ln p of ``tokens`` ``[rows]`` under softmax(logits / T), for each of ``temperatures`` ``[settings, rows]``.

    A T below ``COLDEST`` is taken as that, so that a token which is not the best one has a large, finite -ln p.
    """
    shifted = _shifted(logits)
    own = np.take_along_axis(shifted, np.asarray(tokens)[:, None], -1)[:, 0]
    entropy, nll = (np.empty(np.shape(temperatures)) for _ in range(2))
    for setting, inverse in enumerate(1 / np.clip(temperatures, COLDEST, HOTTEST)):
        logs = shifted * inverse[:, None]
        read = _statistics(logs, _weights(logs), ALWAYS)
        entropy[setting], nll[setting] = read.entropy, -np.log(read.max_probability) - own * inverse
    return Tempered(entropy, nll)


@np.errstate(over="ignore")
def divergence(logits: NDArray[Any], without: NDArray[Any]) -> Array:
    """KL(softmax(logits) || softmax(without)) of each row, nats, ``[rows]``, never below 0; probabilities clipped to [RAREST, 1].

    Source: arXiv 2306.01286, ``kl_guided_sampling``, which clips without normalising again.
    """
    p, q = (np.clip(weights / weights.sum(-1, keepdims=True), RAREST, 1) for weights in (_weights(_shifted(x)) for x in (logits, without)))
    return np.maximum((p * (np.log(p) - np.log(q))).sum(-1), 0)


def _shifted(logits: NDArray[Any]) -> Array:
    """Logits less their row's maximum, float64; or the error that names the rows which have none."""
    check_shape(logits.shape)
    if logits.dtype.kind != "f":
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    largest = np.max(logits, axis=-1).astype(np.float64)
    if not np.isfinite(largest).all():
        raise ValueError(unusable_rows(largest.tolist()))
    return np.ascontiguousarray(logits, dtype=np.float64) - largest[:, None]


def _weights(logs: Array) -> Array:
    """exp(logs), 0 at and below ``LEAST``: near the smallest numbers an exponential takes a hundred times as long."""
    return np.where(logs > LEAST, np.exp(np.maximum(logs, LEAST)), 0)


def _statistics(shifted: Array, weights: Array, needs: frozenset[str]) -> Statistics:
    """H = ln Z - sum w x / Z of max-shifted logits x, w = exp(x), Z = sum w; a masked token adds 0."""
    total, logs = weights.sum(-1), np.maximum(shifted, LEAST)
    mean = (weights * logs).sum(-1) / total
    read = Statistics(np.maximum(np.log(total) - mean, 0), 1 / total, (shifted > -np.inf).sum(-1).astype(np.float64))
    if "margin" in needs:
        second = np.sort(weights, axis=-1)[:, -2] if weights.shape[1] > 1 else 0.0
        read = replace(read, margin=(1 - second) / total)
    if "varentropy" in needs:
        read = replace(read, varentropy=(weights * (logs - mean[:, None]) ** 2).sum(-1) / total)
    return read


def _read(logits: NDArray[Any], filters: Filters, needs: frozenset[str]) -> tuple[Array, Statistics]:
    """Shifted logits, -inf where a filter before the temperature drops a token, and the statistics that the policies read."""
    shifted = _shifted(logits)
    weights = _weights(shifted)
    if not filters.before:
        return shifted, _statistics(shifted, weights, needs)
    keep = kept(shifted, weights, filters.before)
    left = np.where(keep, shifted, -np.inf)
    raw = filters.entropy_of == "raw"
    return left, _statistics(shifted, weights, needs) if raw else _statistics(left, np.where(keep, weights, 0), needs)


def _column(name: str, values: Any, rows: int) -> Array:
    column = np.asarray(values, np.float64)
    check_column(name, column.shape, rows)
    return column
