"""Holm-Bonferroni: p-values of a family of tests, adjusted so that one false alarm among them stays rare."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Adjusted p-values, ``[tests]``, in the order given; a test is significant at level a if its adjusted p is at most a.

    With p(1) <= ... <= p(m)::

        adjusted(i) = min(1, max over j <= i of (m - j + 1) * p(j))

    The chance of any false alarm in the family is then at most a, however the tests depend on each other. Put every comparison that
    was looked at into the family, not only those that look good. An empty family gives an empty array.

    Raises:
        ValueError: not one-dimensional, or a p-value outside 0..1 (nan included).

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values must be one list of numbers, got shape {p.shape}")
    outside = p[~((p >= 0) & (p <= 1))]
    if outside.size:
        raise ValueError(f"p_values must lie on 0..1, got {outside[0]}; leave a test that gave no p-value out of the family")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
