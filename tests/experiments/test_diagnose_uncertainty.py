"""The measures of uncertainty by hand, and what an ensemble disagrees by."""

import math

import numpy as np
import pytest

from edt_sampling.experiments.diagnosis.uncertainty import disagreement, single
from edt_sampling.protocol import Reading


def h(*p: float) -> float:
    return -sum(x * math.log(x) for x in p if x)


def test_single_measures_are_larger_where_the_model_is_less_sure():
    arrays = {"entropy": [0.2, 2.0], "max_probability": [0.9, 0.4], "margin": [0.85, 0.1], "varentropy": [0.3, 1.5]}
    whole = {name: np.zeros(2, dtype=int) for name in ("tokens", "rank", "probability")}
    beside = {"best": np.zeros((2, 1), dtype=int), "watched": np.zeros((2, 1))}
    found = single(Reading(**{name: np.array(values) for name, values in arrays.items()}, **whole, **beside))
    np.testing.assert_allclose(found, [[0.2, 0.1, 0.15, 0.3], [2.0, 0.6, 0.9, 1.5]])


def test_two_members_of_opposite_minds():
    """H(mean) = ln 2, the mean of the entropies is h(.9, .1); the first token is best on average, its variance .16."""
    found = disagreement([np.array([[0.9, 0.1]]), np.array([[0.1, 0.9]])])
    np.testing.assert_allclose(found, [[math.log(2) - h(0.9, 0.1), 0.16]])


def test_members_that_agree_disagree_by_nothing():
    watched = np.array([[0.5, 0.2], [0.9, 0.05]])
    assert disagreement([watched, watched, watched]).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_all_other_tokens_are_one():
    """(.6, .3) and .1 of others against (.2, .3) and .5 of others."""
    expected = h(0.4, 0.3, 0.3) - (h(0.6, 0.3, 0.1) + h(0.2, 0.3, 0.5)) / 2
    found = disagreement([np.array([[0.6, 0.3]]), np.array([[0.2, 0.3]])])
    assert found[0, 0] == pytest.approx(expected)
    assert found[0, 1] == pytest.approx(0.04)


def test_information_is_never_more_than_that_of_the_whole_vocabulary():
    generator = np.random.default_rng(0)
    whole = generator.dirichlet(np.full(50, 0.3), size=(4, 200))  # members, steps, vocabulary
    all_of_it = disagreement(list(whole))[:, 0]
    best = np.argsort(-whole[0], axis=-1)[:, :16]
    watched = disagreement([np.take_along_axis(member, best, axis=-1) for member in whole])[:, 0]
    assert (watched <= all_of_it + 1e-12).all()
    assert watched.mean() > 0.5 * all_of_it.mean()
