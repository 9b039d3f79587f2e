"""Bootstrap against scipy, normal theory and resampling by hand; the same prompts for every column."""

import numpy as np
import pytest
from scipy import stats

from edt_sampling.significance import bootstrap
from edt_sampling.significance.bootstrap import interval, mean_interval, resample_means


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).normal(0.2, 0.052, size=200)


def test_agrees_with_scipy(values: np.ndarray) -> None:
    ours = mean_interval(values, resamples=20_000, seed=0)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)).confidence_interval
    # A 2.5% quantile of 20,000 normal draws has a standard error of .019 sd; two of them differ by .027 sd, four times that is .11.
    monte_carlo = 0.11 * values.std() / np.sqrt(200)
    assert ours.low == pytest.approx(theirs.low, abs=monte_carlo)
    assert ours.high == pytest.approx(theirs.high, abs=monte_carlo)
    assert ours.mean == pytest.approx(values.mean())


def test_agrees_with_normal_theory(values: np.ndarray) -> None:
    means = resample_means(values, resamples=20_000, seed=0)
    error = values.std() / np.sqrt(200)  # the bootstrap's own variance divides by n
    assert means.mean() == pytest.approx(values.mean(), abs=4 * error / np.sqrt(20_000))
    assert means.std() == pytest.approx(error, rel=4 / np.sqrt(2 * 20_000))
    assert stats.kstest((means - values.mean()) / error, "norm").pvalue > 1e-3


def test_a_resample_is_a_mean_over_prompts_drawn_with_replacement() -> None:
    prompts = 6
    picks = resample_means(np.eye(prompts), resamples=500, seed=3) * prompts  # how often each prompt was drawn
    assert picks == pytest.approx(np.round(picks))
    assert picks.sum(axis=1) == pytest.approx(np.full(500, prompts))
    assert picks.mean(axis=0) == pytest.approx(np.ones(prompts), abs=0.2)
    values = np.array([0.1, 0.2, 0.4, 0.8, 1.6, 3.2])
    assert resample_means(values, resamples=500, seed=3) == pytest.approx(picks @ values / prompts)


def test_all_columns_and_calls_share_prompts(values: np.ndarray) -> None:
    columns = np.stack([values, 2 * values + 1, values**2], axis=1)
    together = resample_means(columns, resamples=300, seed=7)
    assert together.shape == (300, 3)
    assert together[:, 1] == pytest.approx(2 * together[:, 0] + 1)
    for column in range(3):
        assert together[:, column] == pytest.approx(resample_means(columns[:, column], resamples=300, seed=7))


def test_shape_behind_the_prompts_is_kept(values: np.ndarray) -> None:
    cube = values.reshape(50, 2, 2)
    means = resample_means(cube, resamples=20, seed=0)
    assert means.shape == (20, 2, 2)
    assert means.reshape(20, 4) == pytest.approx(resample_means(cube.reshape(50, 4), resamples=20, seed=0))
    assert [part.shape for part in mean_interval(cube, resamples=20, seed=0)] == [(2, 2)] * 3


def test_prompts_are_clusters() -> None:
    """Five outputs a prompt that agree with each other carry the error of the prompts, not of five times as many."""
    per_prompt = np.random.default_rng(2).normal(size=100)
    outputs = np.repeat(per_prompt[:, None], 5, axis=1)
    clustered = resample_means(outputs.mean(axis=1), resamples=4_000, seed=0).std()
    naive = resample_means(outputs.ravel(), resamples=4_000, seed=0).std()
    assert clustered / naive == pytest.approx(np.sqrt(5), rel=0.08)


def test_seed_says_the_draw_and_blocks_do_not(values: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = resample_means(values, resamples=100, seed=0)
    assert (resample_means(values, resamples=100, seed=0) == whole).all()
    assert not np.allclose(resample_means(values, resamples=100, seed=1), whole)
    assert resample_means(values, resamples=40, seed=0) == pytest.approx(whole[:40])
    monkeypatch.setattr(bootstrap, "_WEIGHTS_AT_ONCE", 7 * 200)
    assert resample_means(values, resamples=100, seed=0) == pytest.approx(whole)


def test_a_large_offset_costs_no_digits(values: np.ndarray) -> None:
    shifted = resample_means(values + 1e9, resamples=50, seed=0) - 1e9
    assert shifted == pytest.approx(resample_means(values, resamples=50, seed=0), abs=1e-6)


def test_interval_takes_the_middle_of_the_samples() -> None:
    low, high = interval(np.arange(101), level=0.9)
    assert (low, high) == (pytest.approx(5), pytest.approx(95))
    low, high = interval(np.array([[0.0, np.nan], [1.0, 2.0]]), level=0.5)
    assert low.tolist() == [0.25, pytest.approx(np.nan, nan_ok=True)]
    assert high.shape == (2,)


@pytest.mark.parametrize("prompts", [10, 30, 100])
def test_coverage_is_what_the_docstring_says(prompts: int) -> None:
    """Of 95% percentile intervals of normal values; by the t distribution, which the bootstrap's narrower error is put into."""
    said = {10: 0.904, 30: 0.936, 100: 0.946}[prompts]
    assert 1 - 2 * stats.t.sf(stats.norm.ppf(0.975) * np.sqrt((prompts - 1) / prompts), prompts - 1) == pytest.approx(said, abs=5e-4)
    data = np.random.default_rng(0).normal(size=(prompts, 800))
    found = mean_interval(data, resamples=1_000, seed=0)
    covered = ((found.low <= 0) & (found.high >= 0)).mean()
    assert covered == pytest.approx(said, abs=4 * np.sqrt(said * (1 - said) / 800))


@pytest.mark.parametrize(
    ("values", "resamples", "message"),
    [
        ([1.0], 10, r"at least two prompts on their first axis, got shape \(1,\)"),
        (1.0, 10, r"got shape \(\)"),
        ([1.0, np.nan, np.inf, 0.0], 10, r"for 2 of 4 prompts, first at values\[1\]; leave these prompts out"),
        ([[1.0, 2.0], [1.0, np.nan]], 10, r"first at values\[1\]"),
        ([1.0, 2.0], 0, "resamples must be 1 or more, got 0"),
    ],
)
def test_what_cannot_be_resampled_is_refused(values: object, resamples: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resample_means(values, resamples=resamples, seed=0)  # type: ignore[arg-type]


def test_what_is_no_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 95"):
        interval([1.0, 2.0], level=95)
    with pytest.raises(ValueError, match=r"at least one sample .* got shape \(0, 3\)"):
        interval(np.empty((0, 3)))
