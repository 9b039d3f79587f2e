"""Calibration and levels on synthetic steps whose truth is known."""

import math

import numpy as np
import pytest

from edt_sampling.experiments.diagnosis import estimates
from edt_sampling.experiments.diagnosis.calibration import BINS, curve, reliability
from edt_sampling.experiments.diagnosis.estimates import difference, estimate, share


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setattr(estimates, "RESAMPLES", 400)


def steps(seed: int = 0, size: int = 20_000, prompts: int = 50, *, shift: float = 0.0):
    """Confidences, and rights drawn with them less a shift."""
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.2, 0.95, size)
    right = generator.random(size) < confidence - shift
    return confidence, -np.log(confidence), right, np.arange(size) % prompts


def test_a_calibrated_model_has_an_error_near_0():
    """20,000 steps: chance gives about .01, as ``chance`` says, and the mean gap is within three standard errors of 0."""
    found = [reliability(*steps(seed)) for seed in range(8)]
    assert all(f.ece.mean < 0.02 for f in found)
    assert np.mean([f.ece.mean for f in found]) == pytest.approx(found[0].chance, rel=0.15)
    assert all(abs(f.gap.mean) < 3 * math.sqrt(0.25 / 20_000) for f in found)


def test_an_overconfident_model_is_seen():
    found = reliability(*steps(shift=0.15))
    assert found.gap.mean == pytest.approx(0.15, abs=0.01)
    assert found.gap.low < 0.15 < found.gap.high
    assert found.ece.mean == pytest.approx(0.15, abs=0.01)
    assert found.ece.low < 0.15 < found.ece.high
    assert found.sure.mean == pytest.approx(0.15, abs=0.02)


def test_ece_by_hand():
    """Two bins: four steps at .9 of which two are right, two at .3 of which none is: (4 * .4 + 2 * .3) / 6."""
    confidence = np.array([0.9] * 4 + [0.3] * 2)
    right = np.array([True, True, False, False, False, False])
    found = reliability(confidence, 1 - confidence, right, np.array([0, 0, 1, 1, 0, 1]))
    assert found.ece.mean == pytest.approx((4 * 0.4 + 2 * 0.3) / 6)
    assert found.chance == pytest.approx(math.sqrt(2 / math.pi) * (math.sqrt(4 * 0.09) + math.sqrt(2 * 0.21)) / 6)
    assert found.gap.mean == pytest.approx((4 * 0.9 + 2 * 0.3 - 2) / 6)
    assert found.sure.mean == pytest.approx(0.9 - 0.5), "the third of lowest entropy holds the four that tie"
    assert [(b.steps, b.right.mean) for b in found.bins] == [(2, 0.0), (4, 0.5)]
    assert [round(b.low * BINS) for b in found.bins] == [4, 13]


def test_confidence_of_1_falls_into_the_last_bin():
    found = reliability(np.array([1.0, 1.0]), np.zeros(2), np.array([True, True]), np.array([0, 1]))
    assert [(b.low, b.high, b.steps) for b in found.bins] == [(pytest.approx(14 / 15), 1.0, 2)]


def test_levels_are_tenths_and_fall_with_the_measure():
    _, entropy, right, prompt = steps()
    found = curve("entropy", entropy, right, prompt)
    assert [b.steps for b in found.bins] == [2000] * 10
    shares = [b.right.mean for b in found.bins]
    assert shares == sorted(shares, reverse=True)
    for b in found.bins:
        inside = (entropy >= b.low) & (entropy <= b.high)
        assert b.right.mean == pytest.approx(right[inside].mean(), abs=1e-3)
        assert b.right.low < b.right.mean < b.right.high


def test_a_measure_that_is_the_same_everywhere_has_one_level():
    found = curve("entropy", np.zeros(4), np.array([True, False, True, True]), np.array([0, 0, 1, 1]))
    assert [(b.steps, b.right.mean) for b in found.bins] == [(4, 0.75)]


def test_an_interval_covers_the_truth_as_often_as_it_says():
    """A share whose prompts differ: 95% intervals hold it in about 95 of 100 runs."""
    held = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        of_prompt = np.repeat(generator.beta(2, 2, size=40), 5)
        found = share(generator.random(200) < of_prompt, np.ones(200), np.repeat(np.arange(40), 5), 40)
        held += found.low <= 0.5 <= found.high
    assert 88 <= held <= 100


def test_what_too_many_resamples_leave_undefined_has_no_interval():
    samples = np.array([0.5] * 94 + [np.nan] * 6)
    assert estimate(0.5, samples, prompts=9).low is None
    assert estimate(0.5, samples[:96], prompts=9).low == 0.5
    assert estimate(float("nan"), samples, prompts=9) is None


def test_a_difference_of_means_by_hand():
    found = difference([4, 2, 1, 3], [True, True, False, False], [False, False, True, True], [0, 1, 0, 1], 2)
    assert found.mean == 1.0
