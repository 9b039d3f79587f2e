"""Best of k against every subset, drawn one by one."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edt_sampling.significance.best_of import expected, weights

shapes = st.tuples(st.integers(1, 3), st.integers(1, 6))
numbers = st.one_of(st.integers(-3, 3).map(float), st.just(np.nan))  # ties and gaps are common
pairs = shapes.flatmap(lambda shape: st.tuples(arrays(float, shape, elements=numbers), arrays(float, shape, elements=numbers)))


def by_subsets(chooser: np.ndarray, outcome: np.ndarray, k: int) -> float:
    """Choose in each subset of each split the highest, the first listed of equals; average what was known."""
    found = []
    for scores, results in zip(chooser, outcome, strict=True):
        for subset in combinations(range(len(scores)), k):
            chosen = max(subset, key=lambda i: -np.inf if np.isnan(scores[i]) else scores[i])
            found.append(results[chosen])
    known = [result for result in found if not np.isnan(result)]
    return float(np.mean(known)) if known else np.nan


@given(pairs)
def test_is_the_mean_over_all_subsets(pair: tuple[np.ndarray, np.ndarray]) -> None:
    chooser, outcome = pair
    brute = [by_subsets(chooser, outcome, k) for k in range(1, chooser.shape[1] + 1)]
    assert expected(chooser, outcome) == pytest.approx(brute, nan_ok=True)


def test_weights_hand_worked() -> None:
    # Of three settings: one drawn is each in turn; of the three pairs the best is in two, the second best leads one.
    assert weights(3) == pytest.approx(np.array([[1, 1, 1], [2, 1, 0], [3, 0, 0]]) / 3)
    assert weights(1).tolist() == [[1]]


@pytest.mark.parametrize("settings", [2, 7, 60])
def test_weights_are_chances(settings: int) -> None:
    rows = weights(settings)
    assert rows.shape == (settings, settings)
    assert rows.sum(axis=1) == pytest.approx(np.ones(settings))
    assert (np.diff(rows, axis=1) <= 1e-15).all()  # the higher the rank, the likelier chosen


@given(arrays(float, st.tuples(st.just(2), st.integers(1, 8)), elements=st.floats(-1, 1)))
def test_the_expected_maximum_rises_from_mean_to_maximum(scores: np.ndarray) -> None:
    found = expected(scores, scores)
    assert (np.diff(found) >= -1e-12).all()
    assert found[0] == pytest.approx(scores.mean())
    assert found[-1] == pytest.approx(scores.max(axis=1).mean())


def test_equals_rank_in_the_order_given() -> None:
    scores = np.random.default_rng(0).integers(0, 3, size=300)
    order = sorted(range(300), key=lambda i: -scores[i])  # Python's sort is stable
    assert expected([scores], [np.arange(300)]) == pytest.approx(weights(300) @ np.array(order))


def test_luck_in_choosing_is_no_quality() -> None:
    """A chooser that knows nothing leaves the mean, however many it chooses among; taking its own word for it would not."""
    chooser, outcome = np.random.default_rng(0).normal(size=(2, 20_000, 8))
    assert expected(chooser, outcome) == pytest.approx(np.zeros(8), abs=4 / np.sqrt(20_000))
    assert expected(chooser, chooser)[-1] == pytest.approx(1.4236, abs=0.02)  # mean of the largest of eight normal values


@pytest.mark.parametrize(
    ("chooser", "outcome", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0], r"\[splits, settings\] with at least one of each, got shape \(2,\)"),
        (np.empty((2, 0)), np.empty((2, 0)), r"got shape \(2, 0\)"),
        ([[1.0, 2.0]], [[1.0]], r"outcome must have the shape \(1, 2\) of chooser, got \(1, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused(chooser: object, outcome: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expected(chooser, outcome)  # type: ignore[arg-type]


def test_no_settings_have_no_best() -> None:
    with pytest.raises(ValueError, match="settings must be 1 or more, got 0"):
        weights(0)
