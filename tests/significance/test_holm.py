"""Holm's adjustment against hand-worked values, statsmodels and its properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from edt_sampling.significance.holm import holm

families = st.lists(st.floats(0, 1), max_size=12)


def test_hand_worked() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04; the last may not be below the one before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]).tolist() == [1, 1]
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).shape == (0,)


@settings(max_examples=20)  # theirs collects garbage at every call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_agrees_with_statsmodels(family: list[float]) -> None:
    _, adjusted, *_ = multipletests(family, method="holm")
    assert holm(family) == pytest.approx(adjusted, rel=1e-12, abs=0)


@given(families)
def test_adjusted_lies_between_raw_and_bonferroni(family: list[float]) -> None:
    p = np.array(family)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, len(p) * p)).all()


@given(families)
def test_keeps_the_order_of_the_raw_values(family: list[float]) -> None:
    order = np.argsort(family)
    assert (np.diff(holm(family)[order]) >= 0).all()


@given(families.flatmap(lambda family: st.tuples(st.just(family), st.permutations(range(len(family))))))
def test_does_not_depend_on_the_order_given(case: tuple[list[float], list[int]]) -> None:
    family, order = np.array(case[0]), np.array(case[1], dtype=int)
    assert (holm(family[order]) == holm(family)[order]).all()


@given(families, st.sampled_from([0.01, 0.05, 0.3]))
def test_rejects_what_the_step_down_procedure_rejects(family: list[float], alpha: float) -> None:
    """Holm as he wrote it: from the smallest up, against alpha / (tests left), until one fails."""
    rejected = set()
    for step, i in enumerate(np.argsort(family, kind="stable")):
        if (len(family) - step) * family[i] > alpha:
            break
        rejected.add(int(i))
    assert set(np.flatnonzero(holm(family) <= alpha).tolist()) == rejected


def test_one_false_alarm_in_a_family_stays_rare() -> None:
    families = np.random.default_rng(0).random((4_000, 6))  # no test has anything to find
    alarms = np.mean([holm(family).min() <= 0.05 for family in families])
    assert alarms <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 4_000)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_what_is_no_p_value_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"p_values must lie on 0\.\.1, got"):
        holm([0.1, bad])


def test_one_family_at_a_time() -> None:
    with pytest.raises(ValueError, match=r"one list of numbers, got shape \(1, 2\)"):
        holm([[0.1, 0.2]])
