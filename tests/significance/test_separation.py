"""AUROC and Spearman of right and wrong, against sklearn and scipy, in the sample and in every resample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from edt_sampling.significance import separation as module
from edt_sampling.significance.bootstrap import resample_means
from edt_sampling.significance.separation import separation


def case(seed: int, items: int = 60, prompts: int = 7, digits: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ties abound; one column has none. The last prompt is there."""
    generator = np.random.default_rng(seed)
    columns = np.round(generator.normal(size=(items, 3)), digits)
    columns[:, 2] = generator.normal(size=items)
    right = generator.random(items) < 1 / (1 + np.exp(-columns[:, 0]))
    right[:2] = (True, False)
    owner = np.append(generator.integers(0, prompts, items - 1), prompts - 1)
    return columns, right, owner


@given(st.integers(0, 10_000), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_the_sample_is_what_sklearn_and_scipy_say(seed, digits):
    columns, right, owner = case(seed, digits=digits)
    found = separation(columns, right, owner, resamples=2)
    for i, column in enumerate(columns.T):
        assert found.auroc.value[i] == pytest.approx(roc_auc_score(right, column), abs=1e-12)
        if len(np.unique(column)) > 1:
            assert found.spearman.value[i] == pytest.approx(stats.spearmanr(right, column).statistic, abs=1e-12)


def test_every_resample_is_the_statistic_of_the_items_drawn():
    columns, right, owner = case(3)
    found = separation(columns, right, owner, resamples=20, seed=5)
    counts = np.rint(resample_means(np.eye(7), resamples=20, seed=5) * 7).astype(int)
    for row, (auroc, spearman) in zip(counts, zip(found.auroc.samples, found.spearman.samples, strict=True), strict=True):
        drawn = np.repeat(np.arange(len(right)), row[owner])
        for i in range(3):
            assert auroc[i] == pytest.approx(roc_auc_score(right[drawn], columns[drawn, i]), abs=1e-12)
            assert spearman[i] == pytest.approx(stats.spearmanr(right[drawn], columns[drawn, i]).statistic, abs=1e-12)


def test_blocks_do_not_change_the_numbers(monkeypatch):
    whole = separation(*case(4), resamples=9)
    monkeypatch.setattr(module, "_AT_ONCE", 20)
    parted = separation(*case(4), resamples=9)
    np.testing.assert_allclose(parted.auroc.samples, whole.auroc.samples, rtol=1e-12)
    np.testing.assert_allclose(parted.spearman.samples, whole.spearman.samples, rtol=1e-12)


def test_by_hand():
    """Right: 3 and 1; wrong: 2 and 1. Of four pairs two are won and one is tied."""
    found = separation([[3.0], [1.0], [2.0], [1.0]], [True, True, False, False], [0, 0, 1, 1], resamples=3)
    assert found.auroc.value[0] == (2 + 0.5) / 4


def test_what_is_always_right_is_not_ranked():
    found = separation(np.arange(4.0)[:, None], [True] * 4, [0, 0, 1, 1], resamples=5)
    assert np.isnan(found.auroc.value[0])
    assert np.isnan(found.auroc.samples).all()


@pytest.mark.parametrize(
    ("columns", "told"), [([1.0, 2.0], r"columns must be \[items, columns\]"), ([[1.0], [np.nan]], "columns must be finite")]
)
def test_bad_input_is_named(columns, told):
    with pytest.raises(ValueError, match=told):
        separation(columns, [True, False], [0, 1])
