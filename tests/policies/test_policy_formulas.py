"""Each formula against numbers worked out elsewhere."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from edt_sampling.policies import (
    EDT,
    UDT,
    DraftEDT,
    DynaTemp,
    Fixed,
    InstanceEDT,
    KLGuided,
    MarginUDT,
    Mixture,
    PromptEDT,
    RunningEDT,
    Scheduled,
    VarentropyUDT,
)

# docs: T / T0 at theta (rows) and H in nats (columns), three decimals.
ENTROPIES = [0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
RATIOS = {
    0.1: [0.107, 0.640, 0.800, 0.894, 0.956, 0.978, 0.989, 0.996],
    0.2: [0.012, 0.410, 0.640, 0.800, 0.915, 0.956, 0.978, 0.991],
    0.5: [0.000, 0.107, 0.328, 0.572, 0.800, 0.894, 0.946, 0.978],
    1.0: [0.000, 0.012, 0.107, 0.328, 0.640, 0.800, 0.894, 0.956],
    5.0: [0.000, 0.000, 0.000, 0.004, 0.107, 0.328, 0.572, 0.800],
}


def temperature(policies, xp=np, **statistics):
    array = (lambda v: np.array(v, np.float64)) if xp is np else (lambda v: torch.tensor(v, dtype=torch.float64))
    index = np.array if xp is np else torch.tensor
    mixture = Mixture(policies, xp=xp, array=array, index=index)
    return np.asarray(mixture.temperature(SimpleNamespace(**{name: array(values) for name, values in statistics.items()})))


@pytest.mark.parametrize("xp", [np, torch])
@pytest.mark.parametrize(("theta", "ratios"), RATIOS.items())
def test_the_table_of_t_over_t0(xp, theta, ratios):
    found = temperature([EDT(t0=2, theta=theta)] * 8, xp, entropy=ENTROPIES) / 2
    assert np.abs(found - ratios).max() <= 0.0005000001
    np.testing.assert_allclose(found, [0.8 ** (theta / h) for h in ENTROPIES], rtol=1e-12)


def test_edt_never_exceeds_t0_and_rises_with_entropy():
    t = temperature([EDT(t0=0.9, theta=0.7)] * 200, entropy=np.linspace(0, 12, 200).tolist())
    assert t[0] == 0
    assert (np.diff(t) >= 0).all()
    assert t.max() < 0.9


def test_theta_is_the_entropy_at_which_t_is_base_t0():
    assert temperature([EDT(t0=0.7, theta=1.3, base=0.6)], entropy=[1.3]) == pytest.approx(0.42, abs=1e-15)


def test_instance_edt_reads_the_first_entropy_only():
    found = temperature([InstanceEDT(t0=0.7, theta=0.5)] * 2, entropy=[9.0, 0.0], first_entropy=[0.5, 1.0])
    np.testing.assert_allclose(found, [0.7 * 0.8, 0.7 * math.sqrt(0.8)], rtol=1e-14)


@pytest.mark.parametrize(
    ("kind", "statistic"), [(PromptEDT, "prompt_entropy"), (DraftEDT, "draft_entropy"), (RunningEDT, "running_entropy")]
)
def test_the_other_instance_levels_read_their_own_entropy_only(kind, statistic):
    found = temperature([kind(t0=0.7, theta=0.5)] * 3, entropy=[9.0, 0.0, 1.0], **{statistic: [0.5, 1.0, 0.0]})
    np.testing.assert_allclose(found, [0.7 * 0.8, 0.7 * math.sqrt(0.8), 0], rtol=1e-14)


@pytest.mark.parametrize("xp", [np, torch])
def test_kl_guided_halves_t_with_every_bandwidth(xp):
    """T = t0 * 2 ** (-KL / bandwidth), arXiv 2306.01286; bandwidth 0 turns it off, whatever the divergence."""
    policies = [KLGuided(t0=0.8, bandwidth=2)] * 3 + [KLGuided(), KLGuided(t0=0.7, bandwidth=0), KLGuided(t0=0, bandwidth=1)]
    found = temperature(policies, xp, kl=[0.0, 2.0, 6.0, 1.0, 12.0, 1.0])
    np.testing.assert_allclose(found, [0.8, 0.4, 0.1, 0.5, 0.7, 0], rtol=1e-14)


def test_udt_by_margin_and_by_varentropy():
    found = temperature([MarginUDT(t0=1, theta=0.1)] * 3, margin=[0.9, 0.8, 1.0])
    np.testing.assert_allclose(found, [0.8, math.sqrt(0.8), 0], rtol=1e-14)
    found = temperature([VarentropyUDT(t0=0.5, theta=2)] * 3, varentropy=[2.0, 4.0, 0.0])
    np.testing.assert_allclose(found, [0.4, 0.5 * math.sqrt(0.8), 0], rtol=1e-14)


def test_udt_reads_the_probability_missed():
    found = temperature([UDT(t0=1, theta=0.1)] * 3, max_probability=[0.9, 0.8, 1.0])
    np.testing.assert_allclose(found, [0.8, math.sqrt(0.8), 0], rtol=1e-14)


def test_dynatemp_maps_entropy_to_its_range():
    """llama.cpp, temp_ext: min + (max - min) * (H / ln n) ** exponent."""
    n, high = 16.0, math.log(16)
    found = temperature([DynaTemp(low=0.5, high=1.5)] * 3, entropy=[0, high / 2, high], support=[n] * 3)
    np.testing.assert_allclose(found, [0.5, 1.0, 1.5], rtol=1e-14)
    assert temperature([DynaTemp(low=0.5, high=1.5, exponent=2)], entropy=[high / 2], support=[n]) == pytest.approx(0.75)
    assert temperature([DynaTemp(low=0.5, high=1.5)], entropy=[0.0], support=[1.0]) == 0.5


@pytest.mark.parametrize("xp", [np, torch])
def test_scheduled_is_what_it_is_given(xp):
    found = temperature([Scheduled(), Fixed(temperature=9), Scheduled()], xp, scheduled=[0.7, 0.1, 0.0], entropy=[1, 1, 1])
    assert found.tolist() == [0.7, 9.0, 0.0]


def test_fixed_is_what_it_says():
    assert temperature([Fixed(temperature=0.35)] * 2, entropy=[0, 5]).tolist() == [0.35, 0.35]
