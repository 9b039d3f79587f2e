"""The sign-flip test against all signs dealt by hand, the t test, and its own size under no difference."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from edt_sampling.significance import permutation
from edt_sampling.significance.permutation import sign_flip


@settings(max_examples=25)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=8))
def test_few_prompts_are_counted_out_exactly(differences: list[int]) -> None:
    sums = np.array([np.dot(signs, differences) for signs in product((-1, 1), repeat=len(differences))])
    expected = (abs(sums) >= abs(sum(differences))).mean()  # by symmetry, twice the smaller tail, at most 1
    assert sign_flip(differences, seed=0) == pytest.approx(min(1, expected))


def test_hand_worked() -> None:
    # All of one sign: 1 of 2^5 ways is as high and 1 as low.
    assert sign_flip([0.1, 0.2, 0.3, 0.1, 0.4], seed=0) == pytest.approx(2 / 32)
    assert sign_flip(np.zeros(30), seed=0) == 1


def test_agrees_with_the_t_test_on_many_prompts() -> None:
    noise = np.random.default_rng(3).normal(0, 0.052, size=300)
    differences = noise - noise.mean() + 2 * stats.sem(noise)
    expected = np.asarray(stats.ttest_1samp(differences, 0))[1]
    assert expected == pytest.approx(0.046, abs=0.001)  # t = 2
    assert sign_flip(differences, seed=0) == pytest.approx(expected, abs=0.005 + 4 * np.sqrt(2 * expected / 9_999))


def test_is_never_0() -> None:
    assert sign_flip(np.full(50, 0.1), resamples=999, seed=0) == pytest.approx(2 / 1_000)


def test_does_not_cry_wolf() -> None:
    """Where nothing differs, and the spread differs from prompt to prompt, p <= .05 one time in twenty."""
    generator = np.random.default_rng(0)
    draws = generator.normal(size=(400, 20)) * np.geomspace(0.1, 3, 20)
    alarms = np.mean([sign_flip(row, resamples=199, seed=i) <= 0.05 for i, row in enumerate(draws)])
    assert alarms == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))


def test_sign_and_scale_do_not_matter_and_the_seed_does() -> None:
    differences = np.random.default_rng(3).normal(0.1, 1, size=40)
    p = sign_flip(differences, resamples=499, seed=0)
    assert sign_flip(-differences, resamples=499, seed=0) == p == sign_flip(1024 * differences, resamples=499, seed=0)
    assert len({sign_flip(differences, resamples=499, seed=seed) for seed in range(5)}) > 1


def test_blocks_do_not_change_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(3).normal(0.1, 1, size=40)
    p = sign_flip(differences, resamples=499, seed=0)
    monkeypatch.setattr(permutation, "_SIGNS_AT_ONCE", 40 * 7)
    assert sign_flip(differences, resamples=499, seed=0) == p


@pytest.mark.parametrize(
    ("differences", "resamples", "message"),
    [
        ([0.1], 99, r"one number for each of two or more prompts, got shape \(1,\)"),
        ([[0.1, 0.2], [0.3, 0.4]], 99, r"got shape \(2, 2\); average a prompt's outputs"),
        ([0.1, np.nan], 99, "differences must be finite, got nan"),
        ([0.1, 0.2], 0, "resamples must be 1 or more, got 0"),
    ],
)
def test_what_cannot_be_tested_is_refused(differences: list[float], resamples: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sign_flip(differences, resamples=resamples, seed=0)
