"""Bootstrap over prompts: resampled means, and the intervals and p-values they give."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray = npt.NDArray[np.float64]

_WEIGHTS_AT_ONCE = 2_000_000  # counts in memory at a time, 16 MB as integers and 16 MB as floats
_KEPT = 4_000_000  # up to so many, 32 MB, they are kept for the next call: drawing them takes ten times as long as using them


class Interval(NamedTuple):
    """A mean over prompts with the ends of its interval; arrays of the shape of one prompt's value (0-d for a number)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


def resample_means(values: npt.ArrayLike, *, resamples: int = 10_000, seed: int) -> FloatArray:
    """Means over prompts drawn with replacement, as many as there are: ``[prompts, ...]`` in, ``[resamples, ...]`` out.

    What stands behind the first axis rides along whole: in resample b, every metric, setting and sample is averaged over
    the *same* prompts, so any function of the columns (a difference, a ratio, EDA, the distance to an interpolated curve) can be
    computed of a resample and keeps their correlation. The draw depends on the seed and the number of prompts alone:
    two calls that agree on both use the same prompts too, and a larger ``resamples`` begins with a smaller one's (to rounding).

    Resample b is ``counts[b] @ values / prompts`` with counts ~ Multinomial(prompts, 1/prompts).

    Raises:
        ValueError: fewer than two prompts, a value that is not finite (one would spread over all means), ``resamples`` below 1.

    Source: Efron 1979; the cluster bootstrap, Cameron, Gelbach and Miller 2008.
    """
    array = np.asarray(values, dtype=np.float64)
    _check(array, resamples)
    prompts = array.shape[0]
    columns = array.reshape(prompts, -1)
    # Means of what is left after the mean, so that a large common offset costs no digits.
    centre = columns.mean(axis=0)
    blocks = _counts(prompts, resamples, seed) if prompts * resamples > _KEPT else [_kept_counts(prompts, resamples, seed)]
    means = np.concatenate([counts @ (columns - centre) for counts in blocks]) / prompts
    bounded = np.clip(means + centre, columns.min(axis=0), columns.max(axis=0))  # rounding would leave 0..1 where a prompt's value is 0
    return bounded.reshape(resamples, *array.shape[1:])


def interval(samples: npt.ArrayLike, *, level: float = 0.95, prompts: int | None = None) -> tuple[FloatArray, FloatArray]:
    """Interval (low, high) over the first axis: the middle ``level`` of the samples, widened for few prompts where they are given.

    The plain percentile interval is too narrow: its standard error divides by n instead of n - 1, and it takes a normal quantile
    where an estimated error asks for Student's. The *expanded percentile interval* of n ``prompts`` makes up for both: each tail
    leaves out, instead of alpha/2 = (1 - level) / 2,

    ::

        Phi(-sqrt(n / (n - 1)) * t[n - 1, 1 - alpha/2])

    Measured, of means of normal values and 95%: it covers 94.1% at 10 prompts, 94.9% at 30 and 94.8% at 100; the plain one 90.4%,
    93.6% and 94.6%. Skewed values stay hard: of exponential ones, 90.5%, 92.9% and 94.8%. At 5 prompts it covers 91.8%; with
    fewer the tail is about one resample in 10,000 or less, and the ends are no more than the extreme samples.

    Columns that hold a nan get nan.

    Args:
        samples: resampled means, or any function of them, ``[resamples, ...]``.
        prompts: n, from which each sample was drawn, at least 2; None for the plain interval.

    Raises:
        ValueError: ``level`` outside (0, 1), fewer than two prompts, or no samples.

    Source: Hesterberg 2015, "What Teachers Should Know about the Bootstrap", arXiv 1411.5279.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}; 0.95 for 95%")
    array = _samples(samples)
    tail = (1 - level) / 2 if prompts is None else _expanded_tail((1 - level) / 2, prompts)
    low, high = np.quantile(array, [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)


def p_value(samples: npt.ArrayLike, *, prompts: int) -> FloatArray:
    """Two-sided p of "the true value is 0", of the samples of an effect; ``[resamples, ...]`` in, ``[...]`` out, in (0, 1].

    It belongs to ``interval(samples, prompts=prompts)``: p is at most 1 - level where that interval excludes 0, up to the one or two
    of B resamples by which quantiles and counts differ. With n prompts::

        share = min(1, 2 * (1 + min(samples <= 0, samples >= 0)) / (B + 1))
        p     = 2 * P(T[n - 1] > sqrt((n - 1) / n) * z[1 - share/2])

    Samples that are all 0 give 1. The least that B = 10,000 can show is .0064 for 10 prompts, .00035 for 100 and .0002 for many.
    Columns that hold a nan get nan.

    Raises:
        ValueError: fewer than two prompts, or no samples.

    Source: the expanded percentile interval of ``interval``, turned round; one more sample is counted than was drawn, so that no p is 0
    (Davison and Hinkley 1997).
    """
    array, n = _samples(samples), _checked_prompts(prompts)
    smaller = np.minimum((array <= 0).sum(axis=0), (array >= 0).sum(axis=0))
    share = np.minimum(1, 2 * (1 + smaller) / (array.shape[0] + 1))
    p = 2 * special.stdtr(n - 1, special.ndtri(share / 2) * np.sqrt((n - 1) / n))
    return np.where(np.isnan(array).any(axis=0), np.nan, p)


def mean_interval(values: npt.ArrayLike, *, resamples: int = 10_000, seed: int, level: float = 0.95) -> Interval:
    """The mean over prompts with its expanded percentile interval: ``[prompts, ...]`` in, three arrays ``[...]`` out.

    For an effect, pass the paired differences. Errors are those of ``resample_means`` and ``interval``.
    """
    array = np.asarray(values, dtype=np.float64)
    means = resample_means(array, resamples=resamples, seed=seed)
    low, high = interval(means, level=level, prompts=array.shape[0])
    return Interval(np.asarray(array.mean(axis=0)), low, high)


def _expanded_tail(tail: float, prompts: int) -> float:
    n = _checked_prompts(prompts)
    return float(special.ndtr(np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, tail)))


def _checked_prompts(prompts: int) -> int:
    if prompts < 2:
        raise ValueError(f"prompts must be 2 or more, got {prompts}")
    return prompts


def _samples(samples: npt.ArrayLike) -> FloatArray:
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim == 0 or array.shape[0] == 0:
        raise ValueError(f"samples must hold at least one sample on their first axis, got shape {array.shape}")
    return array


@lru_cache(maxsize=1)
def _kept_counts(prompts: int, resamples: int, seed: int) -> FloatArray:
    return np.concatenate(list(_counts(prompts, resamples, seed)))


def _counts(prompts: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """How often each resample holds each prompt, ``[resamples, prompts]`` in blocks of rows; blocks do not change the draw."""
    generator = np.random.default_rng(seed)
    rows = max(1, _WEIGHTS_AT_ONCE // prompts)
    for start in range(0, resamples, rows):
        counts = generator.multinomial(prompts, np.full(prompts, 1 / prompts), size=min(rows, resamples - start))
        yield counts.astype(np.float64)


def _check(array: FloatArray, resamples: int) -> None:
    if resamples < 1:
        raise ValueError(f"resamples must be 1 or more, got {resamples}; 10,000 steadies the third digit of an interval")
    if array.ndim == 0 or array.shape[0] < 2:
        raise ValueError(f"values must hold at least two prompts on their first axis, got shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array.reshape(array.shape[0], -1)).all(axis=1))
    if bad.size:
        raise ValueError(
            f"values must be finite, got a nan or an infinity for {bad.size} of {array.shape[0]} prompts, first at values[{bad[0]}]; "
            "leave these prompts out of every setting, and say so"
        )
