"""Bootstrap over prompts: resampled means, and the intervals they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_WEIGHTS_AT_ONCE = 2_000_000  # counts in memory at a time, 16 MB as integers and 16 MB as floats


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
    means = np.concatenate([counts @ (columns - centre) for counts in _counts(prompts, resamples, seed)]) / prompts
    return (means + centre).reshape(resamples, *array.shape[1:])


def interval(samples: npt.ArrayLike, *, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Percentile interval (low, high) over the first axis: the middle ``level`` of the samples.

    With few prompts it is too narrow. For means of normal values, one that says 95% covers 90.4% at 10 prompts, 93.6% at 30
    and 94.6% at 100. Columns that hold a nan get nan.

    Raises:
        ValueError: ``level`` outside (0, 1), or no samples.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}; 0.95 for 95%")
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim == 0 or array.shape[0] == 0:
        raise ValueError(f"samples must hold at least one sample on their first axis, got shape {array.shape}")
    low, high = np.quantile(array, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low), np.asarray(high)


def mean_interval(values: npt.ArrayLike, *, resamples: int = 10_000, seed: int, level: float = 0.95) -> Interval:
    """The mean over prompts with its bootstrap interval: ``[prompts, ...]`` in, three arrays ``[...]`` out.

    For an effect, pass the paired differences. Errors are those of ``resample_means`` and ``interval``.
    """
    low, high = interval(resample_means(values, resamples=resamples, seed=seed), level=level)
    return Interval(np.asarray(np.mean(np.asarray(values, dtype=np.float64), axis=0)), low, high)


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
