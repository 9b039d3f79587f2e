"""Which tokens the filters leave, in NumPy, by full sorts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edt_sampling.sampling.contract import ROUNDING
from edt_sampling.sampling.filters import Filtering, MinP, TopH, TopK, TopNSigma, TopP, Typical

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def kept(logs: Array, weights: Array, steps: Sequence[Filtering], *, allowed: Array | None = None) -> Mask:
    """Which tokens the filters leave, ``[rows, vocab]``: weights = exp(logs), max log 0. Each step sees what the one before left.

    ``allowed`` ``[rows]`` are the bits of surprise that mirostat allows.
    """
    if not steps:
        return np.ones(logs.shape, dtype=bool)
    order = np.argsort(-logs, axis=-1, kind="stable")
    logs, weights = (np.take_along_axis(a, order, -1) for a in (logs, weights))
    keep = logs > -np.inf
    for step in steps:
        left = np.where(keep, logs, -np.inf)
        keep &= _kept_in_order(left - left.max(-1, keepdims=True), np.where(keep, weights, 0), step, allowed)
    result = np.empty_like(keep)
    np.put_along_axis(result, order, keep, -1)
    return result


def _kept_in_order(logs: Array, weights: Array, step: Filtering, allowed: Array | None) -> Mask:
    """Which tokens a step leaves, of rows sorted from the most probable token to the least."""
    total = weights.sum(-1, keepdims=True)
    surprise = np.log(total / weights.max(-1, keepdims=True)) - logs  # nats
    if isinstance(step, TopK):
        return np.cumsum(logs > -np.inf, axis=-1) <= step.k
    if isinstance(step, TopP):
        return _first_of_mass(weights, total, step.p)
    if isinstance(step, MinP):
        return logs >= math.log(step.p)
    if isinstance(step, TopNSigma):
        return logs >= -step.n * (1 + ROUNDING) * _deviation(logs)
    if isinstance(step, Typical):
        return _typical(surprise, weights, total, step.p)
    if isinstance(step, TopH):
        terms = weights / total * np.where(weights > 0, surprise, 0)
        return (np.cumsum(terms, -1) <= step.alpha * (1 + ROUNDING) * terms.sum(-1, keepdims=True)) | _best(logs)
    assert allowed is not None
    return (surprise <= allowed[:, None] * (1 + ROUNDING) * math.log(2)) | _best(logs)


def _first_of_mass(weights: Array, total: Array, p: float) -> Mask:
    """The first tokens that have p of the mass together."""
    if p == 1:
        return np.ones(weights.shape, dtype=bool)
    reached = np.cumsum(weights, axis=-1)
    return reached - weights < p * (1 - ROUNDING) * total


def _deviation(logs: Array) -> Array:
    """The standard deviation of the logits that are there, ``[rows, 1]``."""
    there = np.ma.masked_invalid(logs)
    return np.asarray(there.std(-1, keepdims=True).data)


def _typical(surprise: Array, weights: Array, total: Array, p: float) -> Mask:
    """The tokens nearest to the entropy that have p of the mass together."""
    entropy = (weights * np.where(weights > 0, surprise, 0)).sum(-1, keepdims=True) / total
    order = np.argsort(np.where(weights > 0, np.abs(surprise - entropy), np.inf), axis=-1, kind="stable")
    result = np.empty(weights.shape, dtype=bool)
    np.put_along_axis(result, order, _first_of_mass(np.take_along_axis(weights, order, -1), total, p), -1)
    return result


def _best(logs: Array) -> Mask:
    """The most probable token that is there, the first of equals."""
    return np.arange(logs.shape[-1]) == np.argmax(logs, axis=-1)[:, None]
