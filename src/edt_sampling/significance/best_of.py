"""Best of k: the result to expect of a method whose best setting is chosen among k.

A method that tries more settings finds a better one by luck alone. Methods are comparable at the same k, and a curve over k shows how
much tuning each needs.
"""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def weights(settings: int) -> FloatArray:
    """Chance that the setting of rank j (0 is best) is the best of k drawn from n ``settings``, ``[k - 1, j]``; rows add to 1.

    ::

        C(n - 1 - j, k - 1) / C(n, k)      all subsets of size k alike, none drawn twice

    Raises:
        ValueError: no settings.

    Source: Dodge et al. 2019, "Show Your Work", arXiv 1909.03004, there with replacement; without, as here, it is unbiased (Tang et
    al. 2020, "Showing Your Work Doesn't Always Work", arXiv 2004.13705).
    """
    if settings < 1:
        raise ValueError(f"settings must be 1 or more, got {settings}")
    sizes = range(1, settings + 1)
    return np.array([[comb(settings - 1 - j, k - 1) / comb(settings, k) for j in range(settings)] for k in sizes])


def expected(chooser: npt.ArrayLike, outcome: npt.ArrayLike) -> FloatArray:
    """Mean outcome of the setting that the chooser ranks highest among k = 1, ..., n, over all splits and subsets, ``[n]``.

    ::

        mean over splits of sum over j of weights[k - 1, j] * outcome[order[j]]      order: chooser from high to low

    With chooser = outcome it is the expected maximum; with a chooser of other prompts (tuned on dev, reported on test) luck in
    choosing does not count as quality. Equal choosers rank in the order given.

    A chooser of nan ranks below every number. An outcome of nan counts nothing where its setting is chosen: the mean is over
    the other splits and subsets, whose weights are scaled to add to 1; nan where none is left.

    Args:
        chooser: what settings are ranked by, higher is better, ``[splits, settings]``.
        outcome: what is reported of the one chosen, ``[splits, settings]``.

    Raises:
        ValueError: not two-dimensional, empty, or of different shapes.
    """
    ranked, reported = np.asarray(chooser, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if ranked.ndim != 2 or ranked.size == 0:
        raise ValueError(f"chooser must be [splits, settings] with at least one of each, got shape {ranked.shape}")
    if reported.shape != ranked.shape:
        raise ValueError(f"outcome must have the shape {ranked.shape} of chooser, got {reported.shape}")
    order = np.argsort(-ranked, axis=1, kind="stable")  # nan goes last
    in_order = np.take_along_axis(reported, order, axis=1)
    known = ~np.isnan(in_order)
    chance = weights(ranked.shape[1])
    total = chance @ np.where(known, in_order, 0.0).sum(axis=0)
    left = chance @ known.sum(axis=0)
    return np.divide(total, left, out=np.full(len(total), np.nan), where=left > 0)
