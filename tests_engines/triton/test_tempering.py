"""Tempering in place in Triton's interpreter, against the float64 oracle and against ``torch_tempering``."""

import numpy as np
import pytest
import torch
from oracle import DTYPES, SHAPES, close, margins, policies, rows_of_every_kind, spread_bits
from waits import Waits

from edt_sampling.sampling import reference, torch_tempering
from edt_sampling.sampling.triton import temper_


def expected(exact, mixture):
    """H, T and the distribution after the temperature, float64."""
    t = reference.temperature(exact, mixture)
    x = exact - exact.max(-1, keepdims=True)
    p = np.exp(x / np.maximum(t, 1e-4)[:, None])
    for row in np.flatnonzero(t < 1e-4):
        p[row] = np.arange(exact.shape[1]) == exact[row].argmax()
    return reference.statistics(exact).entropy, t, p / p.sum(-1, keepdims=True)


@pytest.mark.parametrize(("rows", "vocab"), [shape for shape in SHAPES if shape != (7, 32_000)] + [(1, 32_000)])
def test_rows_are_divided_by_the_temperature_of_their_policy(rows, vocab):
    logits = rows_of_every_kind(rows, vocab, seed=1)
    margin = margins(logits)
    entropy, t, p = expected(logits.double().numpy(), policies(rows))
    found = temper_(logits, policies(rows, like=logits))
    close(found.entropy, entropy, margin, "entropy")
    close(found.temperature, t, margin, "temperature")
    close(torch.softmax(logits.double(), -1), p, margin[:, None], "probability")


@pytest.mark.parametrize("own", [{"applied": 0.6}, {"coming": 1.7}, {"applied": 1.3, "coming": 0.5}])
@pytest.mark.parametrize("columns", [True, False])
def test_with_the_engines_own_temperature_it_is_the_policys(own, columns):
    exact, mixture = rows_of_every_kind(7, 300, seed=3), policies(7)
    applied, coming = own.get("applied", 1.0), own.get("coming", 1.0)
    logits = exact / applied
    entropy, t, p = expected(logits.double().numpy() * applied, mixture)
    given = {name: torch.full((7,), value) for name, value in own.items()} if columns else own
    found = temper_(logits, policies(7, like=logits), **given)
    close(found.entropy, entropy, margins(exact), "entropy")
    close(found.temperature, t, margins(exact), "temperature")
    close(torch.softmax(logits.double() / coming, -1), p, margins(exact)[:, None], "probability")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_numbers_are_torchs_rounded_alike(dtype):
    logits = rows_of_every_kind(8, 1_000, dtype=dtype, seed=4)
    ours, theirs = logits.clone(), logits.clone()
    found, told = temper_(ours, policies(8, like=ours)), torch_tempering.temper_(theirs, policies(8, like=theirs))
    close(found.temperature, told.temperature, margins(logits), "temperature")
    assert torch.equal(ours.isfinite(), theirs.isfinite())
    step = torch.finfo(dtype).eps
    assert torch.allclose(ours.float(), theirs.float(), rtol=max(step, 2e-5), atol=2e-5)
    if dtype is not torch.float32:  # the same float32 number to its last digits, so another rounding is rare
        assert (ours == theirs).float().mean() > 0.999


def test_bfloat16_is_rounded_to_the_nearest_half_to_even():
    """x / 0.75 of -i / 8 has ties and neighbours on both sides; torch rounds the float32 numbers."""
    logits = -torch.arange(0, 400, dtype=torch.bfloat16)[None] / 8
    expected_numbers = (logits.float() * np.float32(1 / 0.75)).to(torch.bfloat16)
    temper_(logits, policies(1, like=logits, specs=["fixed:temperature=0.75"]))
    assert torch.equal(logits, expected_numbers)


def test_rows_that_cannot_be_used_stay_as_they_came():
    logits = torch.randn(6, 5_000, generator=torch.Generator().manual_seed(0))
    logits[1, 4500], logits[2, 3], logits[3, :] = torch.nan, torch.inf, -torch.inf
    before = logits.clone()
    found = temper_(logits, policies(6, like=logits, specs=["edt:t0=0.5,theta=1"]))
    same = (spread_bits(logits) == spread_bits(before)).all(-1)
    assert same.tolist() == found.temperature.isnan().tolist() == found.entropy.isnan().tolist() == [False, True, True, True, False, False]


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
    logits = torch.randn(4, 30, generator=torch.Generator().manual_seed(0)).bfloat16()
    before = logits.clone()
    temper_(logits, NoPolicyAt([1, 3]), coming=0.5)
    assert (spread_bits(logits) == spread_bits(before)).all(-1).tolist() == [False, True, False, True]


def test_a_greedy_row_keeps_its_first_maximum_alone():
    logits = torch.tensor([[1.0, 7.0, 7.0, 2.0]])
    temper_(logits, policies(1, like=logits, specs=["fixed:temperature=0"]), coming=0.3)
    assert logits[0].isfinite().tolist() == [False, True, False, False]


def test_a_masked_token_stays_masked_at_any_temperature():
    logits = torch.tensor([[1.0, 2.0, -torch.inf]])
    temper_(logits, policies(1, like=logits, specs=["fixed:temperature=1e60"]))
    assert logits[0, 2] == -torch.inf
    assert torch.softmax(logits, -1)[0].tolist() == pytest.approx([0.5, 0.5, 0])


def test_rows_that_lie_apart_are_tempered_where_they_lie():
    whole = torch.zeros(300, 16)
    whole[:, ::2] = rows_of_every_kind(8, 300).t()
    view, alone = whole.t()[::2], whole.t()[::2].clone()
    temper_(view, policies(8, like=view))
    temper_(alone, policies(8, like=alone))
    assert torch.equal(whole.t()[::2], alone)
    assert not whole.t()[1::2].any()


def test_no_rows_in_no_rows_out():
    assert temper_(torch.empty(0, 5), policies(0, like=torch.empty(0))).temperature.shape == (0,)


def test_the_host_never_waits_for_the_device():
    logits = rows_of_every_kind(8, 300)
    mixture = policies(8, like=logits)
    with Waits() as waits:
        temper_(logits, mixture, coming=0.7)
    assert waits.found == []
    with Waits() as waits:
        bool(logits.isnan().any())
        torch.tensor([1.0])
    assert len(waits.found) == 2, "the test would notice"
