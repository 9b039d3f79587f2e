"""Max-t against a loop over resamples, against families whose answer is known, and on families where nothing is there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edt_sampling.significance.bootstrap import resample_means
from edt_sampling.significance.holm import holm
from edt_sampling.significance.max_t import max_t

families = st.integers(1, 5).flatmap(
    lambda tests: arrays(np.float64, st.tuples(st.integers(2, 9), st.just(tests)), elements=st.integers(-5, 5).map(float))
)


def noise(prompts: int, tests: int, *, shared: float = 0.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.sqrt(shared) * generator.normal(size=(prompts, 1)) + np.sqrt(1 - shared) * generator.normal(size=(prompts, tests))


def by_brute_force(values: np.ndarray, resamples: int) -> tuple[list[float], list[float], float]:
    """The definition, word for word: each resample's prompts picked out, its t computed of them, and every maximum taken anew."""
    n, tests = values.shape
    # The identity's resampled means are the counts, which say how often each prompt stands in a resample.
    counts = np.rint(resample_means(np.eye(n), resamples=resamples, seed=3) * n).astype(int)
    t = [abs(values[:, j].mean()) / (values[:, j].std(ddof=1) / n**0.5) for j in range(tests)]
    drawn = []
    for count in counts:
        again = np.repeat(values, count, axis=0)
        drawn.append([abs(again[:, j].mean() - values[:, j].mean()) / (again[:, j].std(ddof=1) / n**0.5) for j in range(tests)])
    p = [(1 + sum(row[j] >= t[j] for row in drawn)) / (resamples + 1) for j in range(tests)]
    order, adjusted = sorted(range(tests), key=lambda j: -t[j]), [0.0] * tests
    for place, j in enumerate(order):
        left = [max(row[k] for k in order[place:]) for row in drawn]
        share = (1 + sum(far >= t[j] for far in left)) / (resamples + 1)
        adjusted[j] = max(share, adjusted[order[place - 1]] if place else 0.0)
    return p, adjusted, float(np.quantile([max(row) for row in drawn], 0.95, method="higher"))


def test_agrees_with_a_loop_over_resamples() -> None:
    values = noise(17, 6, shared=0.5) + np.array([0.0, 0.2, -0.4, 0.6, 0.9, -0.1])
    found = max_t(values, resamples=199, seed=3)
    p, adjusted, critical = by_brute_force(values, 199)
    assert found.p == pytest.approx(p)
    assert found.adjusted == pytest.approx(adjusted)
    assert found.critical == pytest.approx(critical)
    assert len(set(adjusted)) > 3, "a family that tells the steps apart"


def test_tests_that_are_the_same_cost_nothing_where_holm_multiplies() -> None:
    values = noise(40, 1) + 0.35
    alone = max_t(values, seed=0)
    many = max_t(np.repeat(values, 20, axis=1), seed=0)
    assert many.adjusted == pytest.approx(np.repeat(alone.p, 20))
    assert holm(many.p)[0] == pytest.approx(20 * alone.p[0])


def test_independent_tests_cost_what_independence_says() -> None:
    """The first of m pays 1 - (1 - p)^m, and the critical t is that of m independent tests."""
    values = noise(2_000, 8)
    values[:, 0] += 0.055 - values[:, 0].mean()
    found = max_t(values, seed=1)
    assert found.adjusted[0] == pytest.approx(1 - (1 - found.p[0]) ** 8, abs=0.015)
    assert found.critical == pytest.approx(2.73, abs=0.06)  # z at 1 - (1 - 0.95^(1/8)) / 2


def test_a_later_test_pays_for_those_that_are_left_only() -> None:
    """Beside one test that is beyond doubt, another is adjusted as if it stood alone."""
    values = noise(60, 2) + np.array([5.0, 0.3])
    found = max_t(values, seed=0)
    assert found.adjusted[1] == found.p[1]


def test_a_family_of_one_is_its_own_p_and_an_empty_one_is_empty() -> None:
    found = max_t(noise(30, 1) + 0.2, seed=0)
    assert found.adjusted == found.p
    assert found.critical == pytest.approx(2.05, abs=0.15)  # Student's t of 29 degrees of freedom
    empty = max_t(np.zeros((30, 0)), seed=0)
    assert empty.p.shape == empty.adjusted.shape == (0,)
    assert np.isnan(empty.critical)


def test_columns_without_spread() -> None:
    found = max_t(np.tile([0.0, 2.0], (10, 1)), resamples=99, seed=0)
    assert found.p.tolist() == [1.0, 0.01]


@settings(max_examples=30, deadline=None)
@given(families)
def test_adjusted_is_a_probability_not_below_p_and_signs_do_not_matter(values: np.ndarray) -> None:
    found, turned = (max_t(sign * values, resamples=99, seed=0) for sign in (1, -1))
    assert (found.adjusted >= found.p).all()
    assert (found.adjusted <= 1).all()
    assert (found.p >= 0.01).all()
    assert turned.adjusted == pytest.approx(found.adjusted)


@pytest.mark.parametrize(("prompts", "shared"), [(60, 0.9), (30, 0.0)])
def test_false_alarms_come_in_one_family_of_twenty_at_most(prompts: int, shared: float) -> None:
    """400 families of 20 skewed tests where nothing is there; two standard errors are allowed."""
    families = 400
    alarms = 0
    for seed in range(families):
        raw = noise(prompts, 20, shared=shared, seed=seed)
        alarms += (max_t(np.exp(raw / 2) - np.exp(1 / 8), resamples=200, seed=seed).adjusted <= 0.05).any()
    assert alarms / families <= 0.05 + 2 * (0.05 * 0.95 / families) ** 0.5


@pytest.mark.parametrize(
    ("values", "more", "told"),
    [
        (np.zeros(5), {}, r"values must be \[prompts, tests\], got shape \(5,\)"),
        (np.zeros((1, 2)), {}, "at least two prompts"),
        (np.full((3, 2), np.nan), {}, "values must be finite"),
        (np.zeros((3, 2)), {"resamples": 0}, "resamples must be 1 or more"),
        (np.zeros((3, 2)), {"level": 1.0}, r"level must lie in \(0, 1\)"),
    ],
)
def test_bad_input_is_named(values: np.ndarray, more: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        max_t(values, seed=0, **more)
