"""Distances to the fixed curve of one stage: the point, its interval over prompts, and what a run of this size could have seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edt_sampling.significance import always_valid, bootstrap
from edt_sampling.significance.curve import distance, influence, outside

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 10_000
OUTSIDE = 0.05
"""A setting is comparable where its diversity lies on the curve, in the sample and in all but this share of resamples."""


@dataclass(frozen=True, kw_only=True)
class Distances:
    """``parts`` ``[prompts, settings]`` is each prompt's part in the vertical distance. The rest are arrays ``[settings]``: the ends of its
    95% interval, its p, and the share of resamples in which the diversity lies off the curve (1 where it does so in the sample)."""

    parts: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    outside: FloatArray

    @property
    def mean(self) -> FloatArray:
        """The vertical distance."""
        return self.parts.mean(axis=0)

    @property
    def sd(self) -> FloatArray:
        """The standard deviation over prompts of one's part in it."""
        return self.parts.std(axis=0, ddof=1)

    @property
    def comparable(self) -> npt.NDArray[np.bool_]:
        """Whether the curve reaches the setting's diversity."""
        return self.outside <= OUTSIDE


def distances(
    quality: FloatArray,
    diversity: FloatArray,
    *,
    curve: Sequence[int],
    settings: Sequence[int],
    sequential: bool = False,
    resamples: int = RESAMPLES,
) -> Distances:
    """Of ``settings`` to the curve through ``curve``, both columns of ``[prompts, settings]``.

    The interval and p are the bootstrap's, of settings and curve together; where ``sequential``, those that hold at every look.
    """
    curve_quality, curve_diversity = quality[:, list(curve)], diversity[:, list(curve)]
    quality, diversity = quality[:, list(settings)], diversity[:, list(settings)]
    parts = influence(diversity, quality, curve_diversity=curve_diversity, curve_quality=curve_quality)
    prompts = len(parts)
    together = np.concatenate([diversity, quality, curve_diversity, curve_quality], axis=1)
    ends = np.cumsum([len(settings), len(settings), len(curve)])
    x, y, nodes, heights = np.split(bootstrap.resample_means(together, resamples=resamples, seed=0), ends, axis=1)
    off = outside(x, curve_diversity=nodes).mean(axis=0)
    off = np.where(outside(diversity.mean(axis=0), curve_diversity=curve_diversity.mean(axis=0)), 1.0, off)
    if sequential:
        mean, sd = parts.mean(axis=0), parts.std(axis=0, ddof=1)
        half = always_valid.half_width(sd, n=prompts)
        low, high, p = mean - half, mean + half, always_valid.p_value(mean, sd, n=prompts)
    else:
        drawn = distance(x, y, curve_diversity=nodes, curve_quality=heights)
        low, high = bootstrap.interval(drawn, prompts=prompts)
        p = bootstrap.p_value(drawn, prompts=prompts)
    return Distances(parts=parts, low=low, high=high, p=p, outside=off)
