"""How far people who rate the same things agree: Krippendorff's alpha."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def alpha(ratings: npt.ArrayLike) -> float:
    """Krippendorff's alpha of ordinal ratings ``[raters, items]``, nan where a rater left an item out: 1 for full agreement, 0 for what
    chance gives, below 0 for worse.

    With o[c, k] how often two ratings of one item are c and k (every ordered pair of its m ratings, divided by m - 1), n[c] the sums of
    o over k, and n their sum::

        alpha     = 1 - (n - 1) * sum o[c, k] d(c, k) / sum n[c] n[k] d(c, k)
        d(c, k)   = (sum of n over the grades from c to k, less (n[c] + n[k]) / 2) ^ 2

    Items with fewer than two ratings do not count. nan where no item has two, or all ratings are alike: then there is nothing to agree on.

    Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
    """
    array = np.asarray(ratings, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(f"ratings must be [raters, items], got shape {array.shape}")
    paired = array[:, (~np.isnan(array)).sum(axis=0) >= 2]
    grades = np.unique(paired[~np.isnan(paired)])
    if len(grades) < 2:
        return float("nan")
    counts = (paired[:, :, None] == grades).sum(axis=0)  # how often each item has each grade
    together = np.zeros((len(grades), len(grades)))
    for own in counts:
        together += (np.outer(own, own) - np.diag(own)) / (own.sum() - 1)
    totals = together.sum(axis=0)
    reach = np.cumsum(totals) - totals / 2  # d is the squared difference of these: half of either end counts
    distance = (reach[:, None] - reach) ** 2
    return float(1 - (totals.sum() - 1) * (together * distance).sum() / (np.outer(totals, totals) * distance).sum())
