"""Bootstrap against scipy, normal theory and resampling by hand; the same prompts for every column."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from edt_sampling.significance import bootstrap
from edt_sampling.significance.bootstrap import interval, mean_interval, p_value, resample_means


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).normal(0.2, 0.052, size=200)


def test_agrees_with_scipy(values: np.ndarray) -> None:
    low, high = interval(resample_means(values, resamples=20_000, seed=0))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)).confidence_interval
    # A 2.5% quantile of 20,000 normal draws has a standard error of .019 sd; two of them differ by .027 sd, four times that is .11.
    monte_carlo = 0.11 * values.std() / np.sqrt(200)
    assert low == pytest.approx(theirs.low, abs=monte_carlo)
    assert high == pytest.approx(theirs.high, abs=monte_carlo)


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


def test_a_mean_stays_between_the_least_and_the_largest_value() -> None:
    """By rounding alone a resample of prompts that are all 0 came to -3e-17, which a metric on 0..1 then refused."""
    values = np.zeros((8, 3))
    values[0], values[3] = (0.1, 0.3, 0.7), (0.05, 0, 0.2)
    assert resample_means(values, seed=0).min() == 0


def test_interval_takes_the_middle_of_the_samples() -> None:
    low, high = interval(np.arange(101), level=0.9)
    assert (low, high) == (pytest.approx(5), pytest.approx(95))
    low, high = interval(np.array([[0.0, np.nan], [1.0, 2.0]]), level=0.5)
    assert low.tolist() == [0.25, pytest.approx(np.nan, nan_ok=True)]
    assert high.shape == (2,)


@pytest.mark.parametrize("prompts", [2, 5, 10, 30, 1_000])
def test_for_few_prompts_the_interval_of_a_normal_mean_is_students(prompts: int) -> None:
    """Samples that lie exactly on the quantiles of a normal bootstrap, whose error divides by n, give the t interval."""
    ranks = np.arange(1, 2_000_001) / 2_000_001
    samples = stats.norm.ppf(ranks, scale=np.sqrt((prompts - 1) / prompts))
    level = {2: 0.5, 5: 0.95}.get(prompts, 0.99)  # 95% of 2 prompts lies beyond any number of samples
    low, high = interval(samples, level=level, prompts=prompts)
    half = stats.t.ppf((1 + level) / 2, prompts - 1)
    assert (low, high) == (pytest.approx(-half, rel=2e-3), pytest.approx(half, rel=2e-3))


def test_mean_interval_knows_its_prompts(values: np.ndarray) -> None:
    found = mean_interval(values[:8], resamples=999, seed=0, level=0.9)
    means = resample_means(values[:8], resamples=999, seed=0)
    assert (found.low, found.high) == interval(means, level=0.9, prompts=8)
    assert found.low < interval(means, level=0.9)[0] < found.mean == pytest.approx(values[:8].mean())


@pytest.mark.parametrize("prompts", [10, 30, 100])
def test_coverage_is_what_the_docstring_says(prompts: int) -> None:
    """Of 95% intervals of normal values; the plain one's by the t distribution, which its narrower error is put into."""
    said, plain = {10: (0.941, 0.904), 30: (0.949, 0.936), 100: (0.948, 0.946)}[prompts]
    assert 1 - 2 * stats.t.sf(stats.norm.ppf(0.975) * np.sqrt((prompts - 1) / prompts), prompts - 1) == pytest.approx(plain, abs=5e-4)
    means = resample_means(np.random.default_rng(0).normal(size=(prompts, 1_000)), resamples=2_000, seed=0)
    for given_prompts, share in ((prompts, said), (None, plain)):
        low, high = interval(means, prompts=given_prompts)
        covered = ((low <= 0) & (high >= 0)).mean()
        assert covered == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 1_000))


@given(
    st.integers(0, 2**32),
    st.integers(50, 400),
    st.floats(-4, 4),
    st.integers(2, 300),
    st.sampled_from([0.5, 0.8, 0.9, 0.95]),
    st.booleans(),
)
def test_p_agrees_with_the_interval(seed: int, resamples: int, shift: float, prompts: int, level: float, coarse: bool) -> None:
    samples = np.random.default_rng(seed).normal(shift, 1, size=resamples)
    samples = samples.round() if coarse else samples  # many exact zeros
    tail = stats.norm.cdf(np.sqrt(prompts / (prompts - 1)) * stats.t.ppf((1 - level) / 2, prompts - 1))
    smaller = min((samples <= 0).sum(), (samples >= 0).sum())
    assume(abs(smaller - tail * resamples) > 2)  # not on the edge, where one sample decides
    low, high = interval(samples, level=level, prompts=prompts)
    assert (p_value(samples, prompts=prompts) <= 1 - level) == bool(low > 0 or high < 0)


def test_p_of_a_normal_mean_is_students() -> None:
    """A mean 2.5 standard errors off 0; samples on the quantiles of the bootstrap's narrower normal distribution."""
    ranks = np.arange(1, 100_001) / 100_001
    for prompts in (5, 10, 100):
        samples = 2.5 + stats.norm.ppf(ranks, scale=np.sqrt((prompts - 1) / prompts))
        expected = 2 * stats.t.sf(2.5, prompts - 1)
        assert p_value(samples, prompts=prompts) == pytest.approx(expected, rel=5e-3)
        assert p_value(-samples, prompts=prompts) == pytest.approx(expected, rel=5e-3)


def test_p_of_columns() -> None:
    columns = np.stack([np.zeros(9), np.ones(9), np.arange(9) - 4, np.r_[np.nan, np.ones(8)]], axis=1)
    one, small, middle, undefined = p_value(columns, prompts=10**7)
    assert one == middle == 1
    assert small == pytest.approx(2 / 10, rel=1e-5)  # of 9 and itself, twice
    assert np.isnan(undefined)


@pytest.mark.parametrize(("prompts", "least"), [(10, 0.0064), (100, 0.00035), (10**7, 0.0002)])
def test_the_least_p_of_10_000_resamples(prompts: int, least: float) -> None:
    assert p_value(np.ones(10_000), prompts=prompts) == pytest.approx(least, rel=0.02)


def test_p_is_a_p_value() -> None:
    """Where the true mean is 0, p <= .05 about one time in twenty, also at 15 prompts."""
    means = resample_means(np.random.default_rng(3).normal(size=(15, 1_000)), resamples=2_000, seed=0)
    p = p_value(means, prompts=15)
    assert (p <= 0.05).mean() == pytest.approx(0.055, abs=3 * np.sqrt(0.05 * 0.95 / 1_000))
    assert (p <= 0.5).mean() == pytest.approx(0.5, abs=3 * np.sqrt(0.5 * 0.5 / 1_000))


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
    with pytest.raises(ValueError, match="prompts must be 2 or more, got 1"):
        interval([1.0, 2.0], prompts=1)
    with pytest.raises(ValueError, match="prompts must be 2 or more, got 1"):
        p_value([1.0, 2.0], prompts=1)
