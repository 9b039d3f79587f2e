"""Krippendorff's alpha, against his own worked example and by hand."""

import numpy as np
import pytest

from edt_sampling.significance.agreement import alpha

NONE = np.nan
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
"""Four observers, twelve units, from "Computing Krippendorff's alpha-reliability"; he gets .815 for ordinal data."""


def test_his_own_example():
    assert round(alpha(EXAMPLE), 3) == 0.815


def test_by_hand():
    """Two raters, grades 1 and 2: items (1, 1), (2, 2), (1, 2). Coincidences: 2 of 1-1, 2 of 2-2, 1 each of 1-2 and 2-1; n = 6, three of
    each grade. d cancels: alpha = 1 - 5 * 2 / (2 * 3 * 3) = 4/9."""
    assert alpha([[1, 2, 1], [1, 2, 2]]) == pytest.approx(4 / 9)


def test_full_agreement_is_1_and_order_of_raters_is_none():
    assert alpha([[1, 3, 5], [1, 3, 5]]) == 1
    assert alpha(EXAMPLE[::-1]) == pytest.approx(alpha(EXAMPLE))


def test_distance_counts():
    """Off by one is better than off by four."""
    near, far = [[1, 2, 3, 4, 5, 1], [1, 2, 3, 4, 5, 2]], [[1, 2, 3, 4, 5, 1], [1, 2, 3, 4, 5, 5]]
    assert alpha(near) > alpha(far)


@pytest.mark.parametrize("ratings", [[[1, 2, NONE], [NONE, NONE, 3]], [[2, 2], [2, 2]]])
def test_nothing_to_agree_on(ratings):
    assert np.isnan(alpha(ratings))


def test_bad_shape_is_named():
    with pytest.raises(ValueError, match=r"ratings must be \[raters, items\]"):
        alpha([1, 2, 3])
