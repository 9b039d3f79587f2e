"""Logits tempered in place, float32, against the float64 oracle: what plug-ins of other engines do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from edt_sampling import policy
from edt_sampling.conformance.golden import golden
from edt_sampling.sampling import reference
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.float32 import SWITCH
from edt_sampling.sampling.torch_tempering import temper_

SPECS = (
    "edt:t0=0.7,theta=0.3",
    "fixed:temperature=0.7",
    "udt:t0=0.7,theta=0.1",
    "udt-margin:t0=1,theta=0.2",
    "udt-varentropy:t0=1,theta=0.2",
)
SPECS += ("dynatemp:low=0.2,high=1.3", "edt:t0=1.4,theta=3", "fixed:temperature=0")
MARGIN = 5e-6
"""Of H (nats), T and each probability: what docs/numerics.md says."""


@pytest.fixture(autouse=True, scope="module", params=["compiled", "torch"])
def path(request):
    """Every test holds of the CPU's fast path, and of what runs on devices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "1" if request.param == "compiled" else "0")
        yield request.param


def mixture(specs, like):
    return backend.mixture([policy(s) for s in specs], like=like)


def oracle(logits, specs):
    """H, T and the distribution after the temperature, float64."""
    of = reference.mixture([policy(s) for s in specs])
    t = reference.temperature(logits, of)
    x = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    p = np.exp(x / np.maximum(t, 1e-4)[:, None])
    for row in np.flatnonzero(t < 1e-4):
        p[row] = np.arange(logits.shape[1]) == logits[row].argmax()
    return reference.statistics(logits).entropy, t, p / p.sum(-1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    vocab=st.sampled_from([1, 2, 3, 127, 1000]),
    scale=st.sampled_from([0.0, 0.1, 2.0, 8.0, 40.0]),
    masked=st.sampled_from([0.0, 0.6]),
    own=st.sampled_from([0.25, 1.0, 1.7]),
    before=st.booleans(),
)
def test_with_the_engines_own_temperature_it_is_the_policys(seed, vocab, scale, masked, own, before):
    rng = np.random.default_rng(seed)
    logits = (rng.normal(0, scale, (len(SPECS), vocab)) + rng.normal(0, 50)).astype(np.float32)
    logits[:, 1:][rng.random((len(SPECS), vocab - 1)) < masked] = -np.inf
    given_logits = logits if before else (logits / np.float32(own)).astype(np.float32)
    exact = logits if before else (given_logits.astype(np.float64) * own)
    entropy, temperature, p = oracle(exact, SPECS)
    scores = torch.from_numpy(given_logits.copy())
    own_column = torch.full((len(SPECS),), own)
    found = temper_(scores, mixture(SPECS, scores), **({"coming": own_column} if before else {"applied": own_column}))
    after = torch.softmax(scores.double() / (own if before else 1.0), -1).numpy()
    np.testing.assert_allclose(found.entropy.numpy(), entropy, atol=MARGIN * max(1, scale))
    np.testing.assert_allclose(found.temperature.numpy(), temperature, atol=MARGIN * max(1, scale))
    np.testing.assert_allclose(after, p, atol=MARGIN * max(1, scale))


def test_the_golden_vectors():
    for case in golden().cases:
        scores = torch.from_numpy(case.logits.copy())
        found = temper_(scores, mixture(case.policies, scores))
        np.testing.assert_allclose(found.entropy.numpy(), case.expected.entropy, atol=MARGIN, err_msg=case.name)
        np.testing.assert_allclose(found.temperature.numpy(), case.expected.temperature, atol=MARGIN, err_msg=case.name)


def test_rows_that_cannot_be_used_stay_as_they_came():
    logits = torch.randn(6, 40)
    logits[1, 3], logits[2, 3], logits[3, :] = torch.nan, torch.inf, -torch.inf
    before = logits.clone()
    found = temper_(logits, mixture(["edt:t0=0.5,theta=1"] * 6, logits))
    for row in (1, 2, 3):
        assert torch.equal(logits[row].view(torch.int32), before[row].view(torch.int32))
        assert found.temperature[row].isnan()
        assert found.entropy[row].isnan()
    assert not torch.equal(logits[0], before[0])


class NoPolicyAt:
    """Temperatures NaN in some rows: those without a policy."""

    needs = frozenset({"entropy"})

    def __init__(self, rows):
        self.rows = rows

    def temperature(self, statistics):
        t = 0.5 + 0 * statistics.entropy
        t[self.rows] = torch.nan
        return t


def test_rows_without_a_policy_stay_as_they_came():
    logits = torch.randn(4, 30, dtype=torch.bfloat16)
    before = logits.clone()
    temper_(logits, NoPolicyAt([1, 3]), coming=0.5)
    assert torch.equal(logits[[1, 3]].view(torch.int16), before[[1, 3]].view(torch.int16))
    assert not torch.equal(logits[[0, 2]], before[[0, 2]])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_reads_the_logits_as_they_are(dtype):
    logits = (torch.randn(3, 500) * 4).to(dtype)
    entropy, temperature, _ = oracle(logits.double().numpy(), ["edt:t0=0.7,theta=0.3"] * 3)
    found = temper_(logits, mixture(["edt:t0=0.7,theta=0.3"] * 3, logits))
    np.testing.assert_allclose(found.entropy.numpy(), entropy, atol=MARGIN * 4)
    np.testing.assert_allclose(found.temperature.numpy(), temperature, atol=MARGIN * 4)
    assert logits.dtype == dtype


def test_a_greedy_row_keeps_its_first_maximum_alone():
    logits = torch.tensor([[1.0, 7.0, 7.0, 2.0]])
    temper_(logits, mixture(["fixed:temperature=0"], logits), coming=0.3)
    assert torch.isfinite(logits)[0].tolist() == [False, True, False, False]


def test_a_masked_token_stays_masked_at_any_temperature():
    logits = torch.tensor([[1.0, 2.0, -torch.inf]])
    temper_(logits, mixture(["fixed:temperature=1e60"], logits))
    assert logits[0, 2] == -torch.inf
    assert torch.softmax(logits, -1)[0].tolist() == pytest.approx([0.5, 0.5, 0])


class Waits(TorchDispatchMode):
    """Takes down the operations for which the host would wait for a device."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(name in str(func) for name in self.WAITING):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


def test_the_host_never_waits_for_the_device(path):
    if path == "compiled":
        pytest.skip("on a CPU there is no device to wait for")
    logits = torch.randn(len(SPECS), 300)
    policies = mixture(SPECS, logits)
    with Waits() as waits:
        temper_(logits, policies, coming=torch.full((len(SPECS),), 0.7))
    assert waits.found == []
    with Waits() as waits:
        bool(logits.isnan().any())
    assert waits.found, "the test would notice"
