"""What the torch backend calls on a CUDA device: the kernels' results, and the errors that every backend raises."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from oracle import MARGIN, policies

from edt_sampling.policies import Fixed, Policy
from edt_sampling.sampling import Filters, gumbel, reference, torch_triton
from edt_sampling.sampling import torch as backend

U = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)


def rows() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=(3, 300)).astype(np.float32) * 2)


@dataclass(frozen=True, kw_only=True)
class Undefined(Policy):
    """No temperature at all."""

    name: ClassVar[str] = "undefined"
    needs: ClassVar[frozenset[str]] = frozenset({"entropy"})

    @staticmethod
    def formula(s, p, xp):
        return s.entropy * math.nan


def test_draws_and_statistics_are_the_oracles():
    logits, filters = rows(), Filters.parse("temperature,top_p=0.9")
    specs = ["edt:t0=0.8,theta=0.3"] * 3
    found = torch_triton.draw(logits, policies(3, like=logits, specs=specs), uniform=U, filters=filters)
    expected = reference.draw(
        logits.numpy(), reference.mixture(policies(3, like=logits, specs=specs).policies), uniform=U.numpy(), filters=filters
    )
    assert found.token.tolist() == expected.token.tolist()
    np.testing.assert_allclose(found.probability, expected.probability, atol=MARGIN)
    read = torch_triton.statistics(logits, needs=frozenset({"entropy"}))
    np.testing.assert_allclose(read.entropy, expected.entropy, atol=MARGIN)


def test_rows_without_a_distribution_are_named():
    logits = rows()
    logits[0, 7], logits[2] = math.nan, -math.inf
    message = "logits: row 0 holds NaN, row 2 is -inf throughout: no token is left"
    mixture = policies(3, like=logits, specs=["edt:t0=0.8,theta=0.3"] * 3)
    with pytest.raises(ValueError, match=message):
        torch_triton.draw(logits, mixture, uniform=U)
    with pytest.raises(ValueError, match=message):
        torch_triton.gumbel_draw(logits, mixture, key=gumbel.noise_keys(0, 0, 0, 3))
    with pytest.raises(ValueError, match=message):
        torch_triton.statistics(logits, needs=frozenset({"entropy"}))


def test_a_formula_without_a_number_is_named():
    logits = rows()
    mixture = backend.mixture([Fixed(temperature=1), Undefined(), Fixed(temperature=1)], like=logits)
    with pytest.raises(ValueError, match="gave row 1 the temperature NaN"):
        torch_triton.draw(logits, mixture, uniform=U)


def test_tempered_logits_may_go_elsewhere():
    logits = rows()
    kept, out = logits.clone(), torch.empty_like(logits)
    torch_triton.temper(logits, policies(3, like=logits, specs=["fixed:temperature=0.5"] * 3), applied=1.0, coming=1.0, out=out)
    assert torch.equal(logits, kept)
    np.testing.assert_allclose(out, (logits - logits.amax(-1, keepdim=True)) * 2, atol=1e-5)
