"""Defects seen in public implementations of entropy-based temperature: each stays out by a test of its name."""

import math

import numpy as np
import pytest
import torch

import edt_sampling as edt

KINDS = pytest.mark.parametrize("kind", [np.asarray, torch.tensor])


def numpy(result):
    return np.asarray(result)


@KINDS
@pytest.mark.parametrize("shift", [-1000.0, -3.0, 0.0, 20.0, 1000.0])
def test_entropy_without_log_partition(kind, shift):
    """-sum p * logits is 0 for uniform logits at 0, and moves with a constant: then every flat step is greedy."""
    uniform = kind(np.full((1, 50), shift))
    assert numpy(edt.entropy(uniform)) == pytest.approx(math.log(50), abs=1e-12)
    assert numpy(edt.temperature(uniform, "edt:t0=0.8,theta=0.2")) == pytest.approx(0.8 * 0.8 ** (0.2 / math.log(50)), abs=1e-12)
    u = edt.uniforms(0, np.arange(400), 0, 1)[:, 0]
    drawn = edt.sample(kind(np.full((400, 50), shift)), "edt:t0=0.8,theta=0.2", uniform=u)
    assert len(set(drawn.tolist())) == 50


@KINDS
def test_exponent_clamped(kind):
    """theta / H is not cut off: T keeps falling as H does."""
    gaps = [2.0, 4.0, 6.0, 8.0]
    t = numpy(edt.temperature(kind(np.array([[gap, 0.0] for gap in gaps])), "edt:t0=1,theta=1"))
    p = 1 / (1 + np.exp(gaps))
    h = -(p * np.log(p) + (1 - p) * np.log1p(-p))
    np.testing.assert_allclose(t, 0.8 ** (1 / h), rtol=1e-9)
    assert (np.diff(np.log(t)) < np.log(0.8)).all()
    assert t[-1] < 1e-17


@KINDS
def test_zero_entropy_is_greedy(kind):
    """The limit of 0.8 ** (theta / H) at H = 0 is 0, not 1."""
    row = np.full((1, 9), -np.inf)
    row[0, 4] = 3.0
    assert numpy(edt.entropy(kind(row))) == 0
    assert numpy(edt.temperature(kind(row), "edt:t0=1.2,theta=0.1")) == 0
    sharp = kind(np.array([[0.0, 900.0, 899.0 - 900, 0.0]]))
    for u in (1e-12, 0.5, 1 - 1e-12):
        result = edt.draw(sharp, "edt:t0=1.2,theta=0.1", uniform=[u])
        assert (int(result.token[0]), float(result.temperature[0]), float(result.probability[0])) == (1, 0, 1)


@KINDS
def test_entropy_summed_over_the_batch(kind):
    logits = np.random.default_rng(0).normal(size=(8, 100)) * np.linspace(0.5, 9, 8)[:, None]
    alone = [float(edt.temperature(kind(row), "edt:t0=1,theta=0.5")) for row in logits]
    together = numpy(edt.temperature(kind(logits), "edt:t0=1,theta=0.5"))
    assert together.tolist() == alone
    assert len(set(alone)) == 8
    assert together.max() <= 1


@KINDS
def test_temperature_clamped_to_a_comfortable_range(kind):
    """No floor at 0.3 and no ceiling at 2.2."""
    sharp, flat = kind(np.array([[6.0, 0.0, 0.0]])), kind(np.zeros((1, 1000)))
    assert 0 < float(edt.temperature(sharp, "edt:t0=1,theta=0.2")[0]) < 0.3
    assert float(edt.temperature(flat, "edt:t0=3,theta=0.2")[0]) > 2.9
    assert float(edt.temperature(flat, "fixed:temperature=0.05")[0]) == 0.05


@KINDS
@pytest.mark.parametrize("gap", [5.0, 8.0, 12.0, 20.0, 40.0, 700.0, 5000.0])
def test_underflow_of_the_power_turns_logits_nan(kind, gap):
    """0.8 ** (theta / H) is 0 below H = 0.0026 at theta = 8: 0 / 0 must not follow."""
    logits = kind(np.array([[0.0, gap, 0.0, -np.inf]]))
    result = edt.draw(logits, "edt:t0=1,theta=8", uniform=[0.999999], filters="top_p=0.95")
    assert int(result.token[0]) == 1
    assert all(np.isfinite(numpy(column)).all() for column in result)


@KINDS
def test_masked_tokens_poison_entropy(kind):
    """0 * -inf is not 0 in floating point."""
    masked = np.log(np.array([[0.1, 0.9]]))
    padded = np.insert(masked, [0, 1, 2], -np.inf, axis=1)
    assert numpy(edt.entropy(kind(padded))) == pytest.approx(float(edt.entropy(kind(masked))[0]), abs=1e-15)
    assert int(edt.sample(kind(padded), "edt:t0=0.8,theta=0.2", uniform=[0.999])[0]) == 3


@KINDS
def test_neighbours_change_a_draw(kind):
    rng = np.random.default_rng(1)
    row = rng.normal(size=200)
    alone = [edt.draw(kind(row), "edt:t0=1,theta=0.5", uniform=u, filters="top_p=0.95") for u in (0.1, 0.5, 0.9)]
    for seed in range(5):
        batch = np.random.default_rng(seed).normal(size=(7, 200)) * 5
        batch[seed] = row
        for u, expected in zip((0.1, 0.5, 0.9), alone, strict=True):
            found = edt.draw(kind(batch), "edt:t0=1,theta=0.5", uniform=np.full(7, u), filters="top_p=0.95")
            assert [float(column[seed]) for column in found] == [float(column) for column in expected]
