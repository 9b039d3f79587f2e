"""Estimates over prompts: a number with its interval from resampled prompts, and shares of what prompts hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import Estimate
from edt_sampling.significance.bootstrap import interval, resample_means

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 10_000
UNDEFINED = 0.05
"""A number that more of the resamples leave undefined (a bin without a step, no wrong token) gets no interval."""


def estimate(value: float, samples: FloatArray, *, prompts: int) -> Estimate | None:
    """The value with the expanded percentile interval of its resamples, those in which it is undefined left out; None where it is undefined
    itself."""
    if not np.isfinite(value):
        return None
    defined = samples[np.isfinite(samples)]
    if len(defined) < (1 - UNDEFINED) * len(samples):
        return Estimate(float(value))
    low, high = interval(defined, prompts=prompts)
    return Estimate(float(value), float(low), float(high))


def ratios(above: npt.ArrayLike, below: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Sums over prompts of ``above`` ``[prompts, ...]`` by those of ``below``: in the sample ``[...]``, and in resamples of prompts
    ``[resamples, ...]``; nan where the latter are 0."""
    both = np.stack(np.broadcast_arrays(np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)), axis=-1)
    drawn = resample_means(both, resamples=RESAMPLES, seed=0)
    return _divided(both.sum(axis=0)), _divided(drawn)


def _divided(both: FloatArray) -> FloatArray:
    above, below = both[..., 0], both[..., 1]
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=np.abs(below) > 1e-12)


def by_prompt(values: npt.ArrayLike, prompt: npt.ArrayLike, prompts: int) -> FloatArray:
    """Sums of ``values`` ``[items]`` over each prompt's items, ``[prompts]``."""
    return np.bincount(np.asarray(prompt), weights=np.asarray(values, dtype=np.float64), minlength=prompts).astype(np.float64)


def share(values: npt.ArrayLike, weights: npt.ArrayLike, prompt: npt.ArrayLike, prompts: int) -> Estimate | None:
    """The mean of ``values`` ``[items]`` with these ``weights`` ``[items]``, its interval over prompts; None where all weights are 0."""
    weight = np.asarray(weights, dtype=np.float64)
    value, samples = ratios(by_prompt(np.asarray(values) * weight, prompt, prompts), by_prompt(weight, prompt, prompts))
    return estimate(float(value), samples, prompts=prompts)


def difference(values: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, prompt: npt.ArrayLike, prompts: int) -> Estimate | None:
    """The mean of ``values`` over the items of ``first`` less that over those of ``second``, both ``[items]`` of truth values."""
    one, other = (
        ratios(by_prompt(np.asarray(values) * which, prompt, prompts), by_prompt(which, prompt, prompts))
        for which in (np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64))
    )
    return estimate(float(one[0] - other[0]), one[1] - other[1], prompts=prompts)
