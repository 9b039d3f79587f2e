"""Draws follow softmax(logits / T): chi-square over 40,000 counted uniforms, level 1e-4.

Power: a temperature wrong by 10% gives noncentralities of 367, 213 and 109 at T = 0.5, 1 and 1.7 with 6 degrees of freedom: above
0.999 at each, and shown by the same test.
"""

import numpy as np
import pytest
import torch
from scipy import special, stats

import edt_sampling as edt

N = 40_000
LOGITS = np.array([2.0, 1.0, 1.0, -np.inf, 0.0, -1.0, 0.5, -2.0])


def drawn(kind, temperature, steps):
    u = edt.uniforms(17, np.arange(N), 0, 1)[:, 0]
    rows = np.broadcast_to(LOGITS, (N, len(LOGITS)))
    return np.bincount(np.asarray(edt.sample(kind(rows.copy()), f"fixed:temperature={temperature}", uniform=u, filters=steps)), minlength=8)


def expected(temperature, dropped=()):
    z = LOGITS / temperature
    z[list(dropped)] = -np.inf
    return special.softmax(z)


def pvalue(counts, p):
    assert counts[p == 0].sum() == 0
    return stats.chisquare(counts[p > 0], N * p[p > 0]).pvalue


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_tokens_follow_the_tempered_distribution(kind, temperature):
    counts = drawn(kind, temperature, "")
    assert pvalue(counts, expected(temperature)) > 1e-4
    assert pvalue(counts, expected(temperature * 1.1)) < 1e-4


@pytest.mark.parametrize(
    ("steps", "dropped"),
    [("top_k=3", (4, 5, 6, 7)), ("min_p=0.3", (4, 5, 6, 7)), ("top_p=0.6,temperature", (2, 4, 5, 6, 7))],
)
def test_truncated_draws_are_renormalised(steps, dropped):
    assert pvalue(drawn(torch.tensor, 0.9, steps), expected(0.9, dropped)) > 1e-4


def test_probability_is_that_of_the_token_drawn():
    u = edt.uniforms(3, np.arange(500), 0, 1)[:, 0]
    result = edt.draw(np.tile(LOGITS, (500, 1)), "fixed:temperature=0.9", uniform=u, filters="top_k=3")
    np.testing.assert_allclose(result.probability, expected(0.9, (4, 5, 6, 7))[result.token], rtol=1e-12)
