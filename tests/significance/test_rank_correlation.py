"""Spearman's correlation against scipy, in the sample, in every resample, and within prompts."""

import numpy as np
import pytest
from scipy import stats

from edt_sampling.significance import rank_correlation as module
from edt_sampling.significance.bootstrap import resample_means
from edt_sampling.significance.rank_correlation import spearman, within


def case(items: int = 40, prompts: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    columns = np.round(generator.normal(size=(items, 2)), 1)
    outcome = np.round(columns[:, 0] + generator.normal(size=items), 1)
    return columns, outcome, np.append(generator.integers(0, prompts, items - 1), prompts - 1)


def test_sample_and_resamples_are_what_scipy_says_of_the_items_drawn():
    columns, outcome, owner = case()
    found = spearman(columns, outcome, owner, resamples=15, seed=2)
    counts = np.rint(resample_means(np.eye(6), resamples=15, seed=2) * 6).astype(int)
    for i in range(2):
        assert found.value[i] == pytest.approx(stats.spearmanr(columns[:, i], outcome).statistic, abs=1e-12)
        for row, sample in zip(counts, found.samples, strict=True):
            drawn = np.repeat(np.arange(len(outcome)), row[owner])
            assert sample[i] == pytest.approx(stats.spearmanr(columns[drawn, i], outcome[drawn]).statistic, abs=1e-12)


def test_blocks_do_not_change_the_numbers(monkeypatch):
    whole = spearman(*case(), resamples=9)
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    np.testing.assert_allclose(spearman(*case(), resamples=9).samples, whole.samples, rtol=1e-12)


def test_a_column_that_is_alike_everywhere_has_no_correlation():
    columns, outcome, owner = case()
    columns[:, 1] = 3
    found = spearman(columns, outcome, owner, resamples=3)
    assert np.isnan(found.value[1])
    assert np.isfinite(found.value[0])


def test_within_prompts_each_has_its_own():
    generator = np.random.default_rng(0)
    columns, outcome = generator.normal(size=(4, 5, 2)), generator.normal(size=(4, 5))
    outcome[2] = 1.0
    found = within(columns, outcome)
    assert found.shape == (4, 2)
    assert np.isnan(found[2]).all()
    for prompt in (0, 1, 3):
        for i in range(2):
            expected = stats.spearmanr(columns[prompt, :, i], outcome[prompt]).statistic
            assert found[prompt, i] == pytest.approx(expected, abs=1e-12)


def test_within_by_hand():
    """Three texts in perfect order, and in perfect disorder."""
    assert within([[[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]]], [[5, 6, 7], [7, 6, 5]]).tolist() == [[1.0], [-1.0]]


@pytest.mark.parametrize(
    ("columns", "outcome", "told"),
    [([1.0, 2.0], [1, 2], r"columns must be \[items, columns\]"), ([[1.0], [2.0]], [1, np.nan], "columns and outcome must be finite")],
)
def test_bad_input_is_named(columns, outcome, told):
    with pytest.raises(ValueError, match=told):
        spearman(columns, outcome, [0, 1])
