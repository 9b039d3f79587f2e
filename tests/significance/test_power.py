"""Power against the numbers of our trials, scipy's normal quantiles, statsmodels, and a simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import NormalIndPower, normal_sample_size_one_tail

from edt_sampling.significance.power import detectable, prompts_needed

sds = st.floats(1e-3, 10)
alphas = st.floats(1e-4, 0.2)
powers = st.floats(0.3, 0.999)


@pytest.mark.parametrize(("prompts", "least", "most"), [(100, 0.0145, 0.0146), (400, 0.0072, 0.0073), (1_000, 0.0046, 0.00461)])
def test_numbers_of_the_trials(prompts: int, least: float, most: float) -> None:
    assert least <= detectable(0.052, prompts) <= most


@given(sds, st.integers(2, 10_000), alphas, powers)
def test_is_the_normal_formula(sd: float, n: int, alpha: float, power: float) -> None:
    expected = (stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * sd / math.sqrt(n)
    assert detectable(sd, n, alpha=alpha, power=power) == pytest.approx(expected, rel=1e-9)


@given(sds, st.floats(1e-2, 10), alphas, powers)
def test_prompts_needed_is_the_fewest_that_detect(sd: float, difference: float, alpha: float, power: float) -> None:
    n = prompts_needed(sd, difference, alpha=alpha, power=power)
    assert detectable(sd, n, alpha=alpha, power=power) <= difference * (1 + 1e-9)
    assert n == 2 or detectable(sd, n - 1, alpha=alpha, power=power) > difference * (1 - 1e-9)
    assert n == prompts_needed(sd, -difference, alpha=alpha, power=power)


@given(sds, st.floats(1e-2, 10), alphas, powers)
def test_prompts_needed_agrees_with_statsmodels(sd: float, difference: float, alpha: float, power: float) -> None:
    theirs = normal_sample_size_one_tail(difference, power, alpha / 2, std_null=sd)
    assert prompts_needed(sd, difference, alpha=alpha, power=power) in {max(2, math.ceil(theirs * (1 + off))) for off in (-1e-9, 1e-9)}


@given(sds, st.integers(30, 10_000), st.floats(1e-4, 0.05), st.floats(0.5, 0.999))
def test_detectable_agrees_with_statsmodels(sd: float, n: int, alpha: float, power: float) -> None:
    """Theirs counts the wrong side too: less than 1e-4 from a power of one half on."""
    effect = detectable(sd, n, alpha=alpha, power=power) / sd
    theirs = NormalIndPower().power(effect, n, alpha, ratio=0, alternative="two-sided")
    assert theirs == pytest.approx(power, abs=1e-4)


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_a_simulated_test_has_the_power(power: float) -> None:
    prompts, trials = 400, 5_000
    truth = detectable(0.052, prompts, power=power)
    differences = np.random.default_rng(0).normal(truth, 0.052, size=(trials, prompts))
    _, p = stats.ttest_1samp(differences, 0, axis=1)
    found = (np.asarray(p) <= 0.05).mean()
    assert found == pytest.approx(power, abs=2 * math.sqrt(power * (1 - power) / trials))


def test_nothing_varies() -> None:
    assert detectable(0, 10) == 0
    assert prompts_needed(0, 0.1) == 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n": 1}, "n must be 2 prompts or more, got 1"),
        ({"sd": -1}, "sd must be finite and 0 or more, got -1"),
        ({"sd": math.nan}, "sd must be finite"),
        ({"alpha": 5}, r"alpha must lie in \(0, 1\), got 5"),
        ({"power": 80}, r"power must lie in \(alpha, 1\) = \(0.05, 1\), got 80"),
        ({"power": 0.05}, "power must lie in"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        detectable(**({"sd": 0.1, "n": 100} | parameters))  # type: ignore[arg-type]


@pytest.mark.parametrize("difference", [0, math.nan, math.inf])
def test_no_difference_needs_no_prompts(difference: float) -> None:
    with pytest.raises(ValueError, match="difference must be finite and other than 0"):
        prompts_needed(0.1, difference)
