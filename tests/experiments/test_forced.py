"""Teacher-forced references, by hand."""

from math import exp, log

import numpy as np
import pytest
from fake_scores import FakeReader, fixed, forced_steps, setting
from scipy.interpolate import PchipInterpolator

from edt_sampling.experiments.findings import ForcedPoint
from edt_sampling.experiments.forced import acting, forced_points, per_token

GREEDY, CURVE = fixed(0, "greedy"), [fixed(0.5), fixed(1), fixed(2)]
EDT, UDT = setting("EDT", "edt:t0=1,theta=1", "candidate"), setting("UDT", "udt:t0=1,theta=1", "candidate")
SETTINGS = [GREEDY, *CURVE, EDT, UDT]
TEMPERED, NLL = [0, 1, 2, 3], [9, 3.0, 2.0, 2.5]
"""Means of greedy and the fixed temperatures, T = 1 the third of them."""


def mixed(nll: float, untempered: float = 2.0) -> float:
    """With a hundredth of the untempered distribution in it."""
    return -log(0.99 * exp(-nll) + 0.01 * exp(-untempered))


def reader(edt: tuple[float, float], udt: tuple[float, float] = (2.5, 2.25), *, noise: float = 0.0) -> FakeReader:
    """Three references of 1, 2 and 5 tokens; the pairs are mean tempered entropy and NLL."""
    generator, steps = np.random.default_rng(0), []
    for tokens in (1, 2, 5):
        shared = noise * generator.normal(size=tokens)
        tempered = np.repeat([*TEMPERED, edt[0], udt[0]], tokens).reshape(6, tokens)
        nll = np.repeat([*NLL, edt[1], udt[1]], tokens).reshape(6, tokens) + shared
        temperature = np.repeat([0, 0.5, 1, 2, 0.8, 0.9], tokens).reshape(6, tokens)
        steps.append(forced_steps(entropy=tempered, tempered=tempered, temperature=temperature, nll=nll))
    return FakeReader(SETTINGS, steps)


def points(*given: tuple[float, float], noise: float = 0.0) -> dict[str, ForcedPoint]:
    return {p.policy: p for p in forced_points(reader(*given, noise=noise), "forced-test")}  # type: ignore[arg-type]


def test_means_are_over_tokens_and_not_over_references():
    steps = [
        forced_steps(entropy=[[0.0] * n], tempered=[[h] * n], temperature=[[t] * n], nll=[[nll] * n])
        for n, h, t, nll in ((1, 4, 2, 8), (3, 0, 1, 4))
    ]
    means = per_token(FakeReader([CURVE[1]], steps), "forced-dev")  # type: ignore[arg-type]
    assert (means.tempered_entropy.tolist(), means.temperature.tolist()) == ([1], [1.25])
    assert (means.nll.tolist(), means.exact.tolist()) == ([pytest.approx(5)], [5])


@pytest.mark.parametrize("nll", [2.6, 2.3, 2.0])
def test_the_distance_is_to_the_curve_of_the_fixed_temperatures_and_a_higher_nll_is_above_it(nll: float):
    found = points((1.5, nll))[EDT.policy]
    curve = PchipInterpolator(TEMPERED[1:], [mixed(n) for n in NLL[1:]])(1.5)
    assert found.distance is not None
    assert found.distance.mean == pytest.approx(mixed(nll) - curve, abs=1e-6)
    assert (found.distance.mean > 0) == (nll > 2.2)
    assert (found.entropy, found.nll.mean, found.exact, found.temperature) == pytest.approx((1.5, mixed(nll), nll, 0.8))


def test_one_token_that_a_policy_rules_out_does_not_decide():
    found = points((1.5, 60_000.0))[EDT.policy]
    assert found.exact == pytest.approx(60_000)
    assert found.nll.mean == pytest.approx(2.0 + log(100))


def test_a_candidate_that_equals_a_fixed_temperature_has_distance_0():
    found = points((2, 2), noise=0.5)[EDT.policy]
    assert found.distance is not None
    assert (found.distance.mean, found.distance.low, found.distance.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert found.nll.low < found.nll.mean < found.nll.high  # type: ignore[operator]


def test_what_all_settings_share_is_no_part_of_the_distance():
    quiet, noisy = (points((1.5, 2.6), noise=noise)[EDT.policy] for noise in (0, 0.5))
    assert noisy.nll.high - noisy.nll.low > 0.1  # type: ignore[operator]
    assert noisy.distance.low == pytest.approx(quiet.distance.mean, abs=1e-5)  # type: ignore[union-attr]
    assert noisy.distance.high == pytest.approx(quiet.distance.mean, abs=1e-5)  # type: ignore[union-attr]


@pytest.mark.parametrize("entropy", [0.9, 3.1])
def test_an_entropy_that_no_fixed_temperature_has_gives_no_distance(entropy: float):
    found = points((entropy, 2.0))
    assert found[EDT.policy].distance is None
    assert found[UDT.policy].distance is not None


def test_greedy_is_no_point_and_fixed_temperatures_have_no_distance():
    found = points((1.5, 2.5))
    assert list(found) == [s.policy for s in SETTINGS[1:]]
    assert [found[s.policy].distance for s in CURVE] == [None] * 3
    assert [found[s.policy].entropy for s in CURVE] == TEMPERED[1:]


def test_acting_is_the_mean_temperature_of_each_bin_of_entropy():
    settings = [fixed(1), EDT, setting("EDT", "edt:t0=2,theta=1", "candidate"), UDT, setting("EDT", "fixed:temperature=0", "greedy")]
    entropy, temperature = [0.1, 0.2, 0.3, 9.0], np.array([[1] * 4, [0.2, 0.4, 0.5, 0.9], [1, 2, 3, 4], [7] * 4, [0] * 4])
    steps = [
        forced_steps(entropy=[entropy[a:b]] * 5, tempered=temperature[:, a:b], temperature=temperature[:, a:b], nll=temperature[:, a:b])
        for a, b in ((0, 1), (1, 4))
    ]
    found = acting(FakeReader(settings, steps), "forced-test", "EDT")  # type: ignore[arg-type]
    assert found.entropy.edges[:3] == (0, 0.25, 0.5)
    assert found.entropy.shares[:2] == (0.5, 0.25)
    assert found.entropy.shares[-1] == 0.25, "7 nats and more"
    assert sum(found.entropy.shares) == 1
    assert [policy for policy, _ in found.temperatures] == ["edt:t0=1,theta=1", "edt:t0=2,theta=1"]
    mild, hot = (curve for _, curve in found.temperatures)
    assert (mild[:2], hot[:2]) == (pytest.approx((0.3, 0.5)), pytest.approx((1.5, 3)))
    assert (mild[-1], hot[-1]) == (pytest.approx(0.9), pytest.approx(4))
    assert set(mild[2:-1]) == {None}, "no step fell there"
    assert len(mild) == len(found.entropy.shares)
