"""Draws worked out elsewhere: decimal arithmetic of 50 digits, no shared code."""

import numpy as np
import pytest
import torch

import edt_sampling as edt

# logits, policy, filters, u, first entropy, (token, H, T, probability)
GOLDEN = [
    ([2, 1, 0.5, -1, 0.25], "edt:t0=0.8,theta=0.2", "", 0.75, None, (1, 1.2329363806008669, 0.771560152302418, 0.17758336279140735)),
    (
        [2, 1, 0.5, -1, 0.25],
        "edt:t0=0.8,theta=0.2",
        "top_p=0.9",
        0.93,
        None,
        (2, 1.2329363806008669, 0.771560152302418, 0.1010181046055805),
    ),
    ([5, 0, 0, -2], "edt:t0=0.6,theta=0.1", "", 0.9995, None, (0, 0.08700167036320429, 0.4642613922482422, 0.9999576686191696)),
    ([5, 0, 0, -2], "edt:t0=1,theta=5", "", 0.5, None, (0, 0.08700167036320429, 2.695044579082757e-06, 1.0)),
    (
        [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
        "edt:t0=1.5,theta=1,base=0.5",
        "",
        0.6,
        None,
        (3, 1.791759469228055, 1.0187865893696304, 0.16666666666666666),
    ),
    ([-3.5, 4, 3.75, 4, -1, 2, 0], "fixed:temperature=0.7", "top_k=3", 0.4, None, (2, 1.274417866777233, 0.7, 0.25916940950750134)),
    (
        [-3.5, 4, 3.75, 4, -1, 2, 0],
        "udt:t0=1,theta=0.3",
        "min_p=0.2",
        0.999,
        None,
        (3, 1.274417866777233, 0.9035224000942379, 0.36254400556029),
    ),
    (
        [-3.5, 4, 3.75, 4, -1, 2, 0],
        "instance-edt:t0=1.2,theta=0.5",
        "top_k=5,top_p=0.8",
        0.35,
        1.25,
        (1, 1.274417866777233, 1.0975321246255831, 0.3576158771890818),
    ),
    ([2, 1, 0.5, -1, 0.25], "dynatemp:low=0.2,high=1.8", "", 0.05, None, (0, 1.2329363806008669, 1.4257063125708869, 0.4424654412357696)),
    (
        [2, 1, 0.5, -1, 0.25],
        "dynatemp:low=0.2,high=1.8,exponent=2",
        "top_p=0.7,min_p=0.1",
        0.88,
        None,
        (1, 1.2329363806008669, 1.1389724779225754, 0.2935956471155605),
    ),
]


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
@pytest.mark.parametrize(("logits", "policy", "filters", "u", "first", "expected"), GOLDEN)
def test_golden_draws(kind, logits, policy, filters, u, first, expected):
    found = edt.draw(kind(np.array(logits, np.float64)), policy, uniform=u, filters=filters, first_entropy=first)
    assert int(found.token) == expected[0]
    np.testing.assert_allclose([float(number) for number in found[1:]], expected[1:], rtol=1e-12)
    assert float(edt.temperature(kind(np.array(logits, np.float64)), policy, first_entropy=first)) == float(found.temperature)
