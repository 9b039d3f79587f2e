"""Shares of H, T and length."""

import numpy as np
import pytest
from fake_scores import FakeReader, fixed, setting

from edt_sampling.experiments.distributions import lengths, shares, token_distributions

SETTINGS = [fixed(0.6, "baseline"), setting("EDT", "edt:t0=1,theta=1", "chosen")]


def test_what_lies_above_is_in_the_last_bin():
    assert shares(np.array([0, 0.5, 1, 1.5, 2, 99]), [0, 1, 2]) == pytest.approx((2 / 6, 4 / 6))
    assert shares(np.array([]), [0, 1, 2]) == (0, 0)


def test_tokens_of_all_texts_count_alike():
    traced = {0: [np.array([0.1, 0.1, 0.3]), np.array([8.0])], 1: [np.array([3.0, 15.0])]}
    entropies, temperatures = token_distributions(FakeReader(SETTINGS, traced=traced), "test", [0, 1])  # type: ignore[arg-type]
    assert [(d.method, d.policy) for d in entropies] == [("Fixed", "fixed:temperature=0.6"), ("EDT", "edt:t0=1,theta=1")]
    assert (entropies[0].shares[0], entropies[0].shares[1], entropies[0].shares[-1]) == (0.5, 0.25, 0.25)
    assert (entropies[1].shares[12], entropies[1].shares[-1]) == (0.5, 0.5)
    assert temperatures[0].edges == temperatures[1].edges, "one axis for all of them"
    assert temperatures[0].edges[-1] == 1.5, "the hottest token's temperature"
    assert temperatures[1].shares[-1] == 0.5
    for found in (*entropies, *temperatures):
        assert sum(found.shares) == pytest.approx(1)
        assert len(found.edges) == len(found.shares) + 1


@pytest.mark.parametrize("longest", [1, 5, 24, 48, 50, 100])
def test_the_last_bin_of_lengths_is_the_limit(longest: int):
    texts = [np.zeros(length) for length in (0, longest, longest, max(0, longest - 1))]
    (found,) = lengths(FakeReader(SETTINGS, traced={1: texts}), "test", [1], longest)  # type: ignore[arg-type]
    assert found.edges[-2:] == (longest, longest + 1)
    assert found.shares[-1] == 0.5
    assert sum(found.shares) == pytest.approx(1)
    assert list(found.edges) == sorted(set(found.edges))


def test_greedy_alone_still_has_an_axis():
    _, (temperatures,) = token_distributions(FakeReader(SETTINGS, traced={0: [np.zeros(3)]}), "test", [0])  # type: ignore[arg-type]
    assert temperatures.edges[-1] == 0.1
    assert temperatures.shares[0] == 1
