"""What temperatures make of given tokens, against numbers worked out elsewhere."""

import math

import numpy as np
import pytest
import torch

from edt_sampling.sampling import reference
from edt_sampling.sampling import torch as torch_backend

BACKENDS = pytest.mark.parametrize(("backend", "kind"), [(reference, np.array), (torch_backend, torch.tensor)])


@BACKENDS
def test_odds_of_two_tokens(backend, kind):
    """Logits 2 and 1: the odds are e at T = 1, the root of e at T = 2 (docs/concepts.md), and e^10000 to one at T = 0."""
    found = backend.tempered(kind([[2.0, 1.0], [1.0, 2.0]]), kind([1, 1]), kind([[1.0, 1.0], [2.0, 2.0], [0.0, 1e-4]]))
    p = np.array([1 / (1 + math.e), 1 / (1 + math.exp(0.5))])
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    np.testing.assert_allclose(found.nll, [[-math.log(p[0]), -math.log(1 - p[0])], [-math.log(p[1]), -math.log(1 - p[1])], [1e4, 0]])
    np.testing.assert_allclose(found.entropy, [[entropy[0]] * 2, [entropy[1]] * 2, [0, 0]], atol=1e-15)


@BACKENDS
def test_masked_tokens_add_nothing_and_are_impossible(backend, kind):
    found = backend.tempered(kind([[0.0, -math.inf, 0.0], [0.0, -math.inf, 0.0]]), kind([0, 1]), kind([[1.0, 1.0], [0.0, 1e308]]))
    np.testing.assert_allclose(found.entropy, np.full((2, 2), math.log(2)))
    np.testing.assert_allclose(found.nll, [[math.log(2), math.inf]] * 2)


@BACKENDS
def test_unusable_rows_are_named(backend, kind):
    with pytest.raises(ValueError, match="logits: row 1 holds NaN"):
        backend.tempered(kind([[0.0, 1.0], [math.nan, 0.0]]), kind([0, 0]), kind([[1.0, 1.0]]))


def test_slabs_and_threads_change_nothing():
    """Long rows of which a slab holds one, beside the same rows alone."""
    logits = torch.randn(3, 140_001, generator=torch.Generator().manual_seed(0)) * 3
    tokens, temperatures = torch.tensor([5, 70_000, 140_000]), torch.tensor([[0.7, 0.2, 1.4], [1.0, 1.0, 0.0]], dtype=torch.float64)
    whole = torch_backend.tempered(logits, tokens, temperatures)
    torch.set_num_threads(2)
    try:
        threads = torch_backend.tempered(logits, tokens, temperatures)
    finally:
        torch.set_num_threads(1)
    for row in range(3):
        alone = torch_backend.tempered(logits[row : row + 1], tokens[row : row + 1], temperatures[:, row : row + 1])
        for column, lone, threaded in zip(whole, alone, threads, strict=True):
            assert column[:, row].tolist() == lone[:, 0].tolist() == threaded[:, row].tolist()
