"""Max-t: p-values of a family of means over the same prompts, adjusted by how far the farthest of them strays by chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.significance.bootstrap import resample_means

FloatArray = npt.NDArray[np.float64]


class MaxT(NamedTuple):
    """``p`` of each test alone and ``adjusted`` for the family, ``[tests]``; ``critical``, which the largest |t| of all exceeds by chance in
    5% of families; nan for an empty family."""

    p: FloatArray
    adjusted: FloatArray
    critical: float


def max_t(values: npt.ArrayLike, *, resamples: int = 10_000, seed: int, level: float = 0.05) -> MaxT:
    """Two-sided tests of "the mean over prompts is 0", one a column: ``[prompts, tests]`` in.

    Of the sample, and of each bootstrap resample b of the prompts around the sample's means::

        t(j)   = mean(j) / (sd(j) / sqrt(n))
        t*(j)  = (mean_b(j) - mean(j)) / (sd_b(j) / sqrt(n))
        p(j)   = share of resamples with |t*(j)| >= |t(j)|
        with |t(1)| >= |t(2)| >= ...
        adjusted(j) = max over i <= j of the share of resamples with max over k >= i of |t*(k)| >= |t(i)|

    where a share counts the sample itself as one more resample, so that no p is 0. The chance of any false alarm in the family is then at
    most a for a test at level a, as Holm's. But resamples keep the correlation of the tests, which Holm must assume to be the worst
    possible: settings on the same prompts move together, and the farthest of them strays less than as many strangers would.
    An adjusted p is never below p. A column of one value everywhere has t = 0 where that value is 0, else no bound.

    Args:
        values: each prompt's part in an effect, ``[prompts, tests]``: its mean over prompts is the effect (``curve.influence``).
        level: that of ``critical``.

    Raises:
        ValueError: not two-dimensional, fewer than two prompts, a value that is not finite, ``resamples`` below 1, ``level`` outside
            (0, 1).

    Source: step-down with studentised resamples, Romano and Wolf 2005, "Exact and approximate stepdown methods for multiple
    hypothesis testing"; Westfall and Young 1993.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"values must be [prompts, tests], got shape {array.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}; 0.05 for 5%")
    if not array.shape[1]:
        return MaxT(np.zeros(0), np.zeros(0), float("nan"))
    found, drawn = _t(array, resamples, seed)
    order = np.argsort(-found, kind="stable")
    # Of the tests from each place on: the tests before it, whose null has fallen, no longer count.
    farthest = np.maximum.accumulate(drawn[:, order[::-1]], axis=1)[:, ::-1]
    adjusted = np.empty_like(found)
    adjusted[order] = np.maximum.accumulate(_share(farthest, found[order]))
    return MaxT(_share(drawn, found), adjusted, float(np.quantile(farthest[:, 0], 1 - level, method="higher")))


def _t(values: FloatArray, resamples: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """|t| of the sample ``[tests]``, and of each resample ``[resamples, tests]``."""
    prompts, mean = len(values), values.mean(axis=0)
    rest = values - mean
    moments = resample_means(np.stack([rest, rest**2], axis=-1), resamples=resamples, seed=seed)
    away, variance = moments[..., 0], np.maximum(moments[..., 1] - moments[..., 0] ** 2, 0) * prompts / (prompts - 1)
    return _ratio(mean, values.var(axis=0, ddof=1), prompts), _ratio(away, variance, prompts)


def _ratio(mean: FloatArray, variance: FloatArray, prompts: int) -> FloatArray:
    error = np.sqrt(variance / prompts)
    return np.divide(np.abs(mean), error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)


def _share(drawn: FloatArray, found: FloatArray) -> FloatArray:
    return (1 + (drawn >= found).sum(axis=0)) / (len(drawn) + 1)
