"""A batch that mixes policies equals a loop over its rows."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from edt_sampling.policies import EDT, UDT, DynaTemp, Fixed, InstanceEDT, Mixture, Scheduled

RNG = np.random.default_rng(0)


def mixture(policies, xp):
    if xp is np:
        return Mixture(policies, xp=np, array=lambda v: np.array(v, np.float64), index=lambda v: np.array(v, np.intp))
    return Mixture(
        policies, xp=torch, array=lambda v: torch.tensor(v, dtype=torch.float64), index=lambda v: torch.tensor(v, dtype=torch.int64)
    )


def random_policy():
    a, b = RNG.random(2) * 2
    kinds = [EDT(t0=a, theta=b), Fixed(temperature=a), UDT(t0=a, theta=b), InstanceEDT(t0=a, theta=b), DynaTemp(low=a, high=a + b)]
    return [*kinds, Scheduled()][RNG.integers(6)]


@pytest.mark.parametrize("xp", [np, torch])
@pytest.mark.parametrize("rows", [1, 2, 5, 60])
def test_equals_the_loop_over_rows(xp, rows):
    policies = [random_policy() for _ in range(rows)]
    table = {name: RNG.random(rows) * 3 for name in ("entropy", "first_entropy", "kl", "scheduled")}
    table |= {"max_probability": RNG.random(rows), "support": RNG.integers(1, 50, rows).astype(float)}
    array = np.asarray if xp is np else torch.tensor
    whole = np.asarray(mixture(policies, xp).temperature(SimpleNamespace(**{k: array(v) for k, v in table.items()})))
    for row, policy in enumerate(policies):
        alone = mixture([policy], xp).temperature(SimpleNamespace(**{k: array(v[row : row + 1]) for k, v in table.items()}))
        assert float(alone[0]) == whole[row]


@pytest.mark.parametrize("xp", [np, torch])
def test_no_rows_have_no_temperatures(xp):
    assert mixture([], xp).temperature(SimpleNamespace()).shape == (0,)


def test_needs_are_those_of_all_policies():
    assert mixture([Fixed(temperature=1), UDT(t0=1, theta=1), EDT(t0=1, theta=1)], np).needs == {"entropy", "max_probability"}
    assert mixture([Fixed(temperature=1)], np).needs == frozenset()
