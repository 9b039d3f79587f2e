"""Which tokens the filters leave, against naive loops over sorted rows."""

import numpy as np
import pytest
import torch

from edt_sampling.sampling import reference
from edt_sampling.sampling import torch as torch_backend
from edt_sampling.sampling.filters import Filters, MinP, TopK, TopP


def rows_of(seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(100, rng.integers(1, 400))) * rng.choice([0, 0.5, 3, 20, 200], size=(100, 1))
    logits[::2] = np.round(logits[::2] * 4) / 4
    logits[rng.random(logits.shape) < 0.1] = -np.inf
    logits[:, 0] = 0
    return logits - logits.max(-1, keepdims=True)


def both(logs, text):
    steps = Filters.parse(text).after
    weights = np.exp(logs)
    found = torch_backend.kept(torch.tensor(logs), torch.tensor(weights), steps).numpy()
    expected = reference.kept(logs, weights, steps)
    alive = weights > 0  # what a filter says about a token without weight changes nothing
    return found & alive, expected & alive


def naive(logs, step):
    """The kept set of one row, token by token from the most probable down, ties by index."""
    order = sorted(range(len(logs)), key=lambda i: (-logs[i], i))
    p = np.exp(logs) / np.exp(logs).sum()
    if isinstance(step, TopK):
        return set(order[: step.k])
    if isinstance(step, MinP):
        return {i for i in order if logs[i] >= np.log(step.p)}
    chosen, mass = set(), 0.0
    for i in order:
        if mass >= step.p * (1 - 1e-12):
            break
        chosen.add(i)
        mass += p[i]
    return chosen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "step", [TopP(0.05), TopP(0.5), TopP(0.95), TopP(0.999), TopK(1), TopK(7), TopK(1000), MinP(0.05), MinP(1)], ids=str
)
def test_one_filter_against_a_loop(seed, step):
    logs = rows_of(seed)
    found, expected = both(logs, str(step))
    assert (found == expected).all()
    for row, kept in zip(logs, expected, strict=True):
        assert set(np.flatnonzero(kept)) == {i for i in naive(row, step) if np.exp(row[i]) > 0}


@pytest.mark.parametrize("text", ["top_p=0.9,top_k=5", "top_k=5,top_p=0.9", "min_p=0.02,top_p=0.5,top_k=9", "top_p=0.7,min_p=0.3"])
def test_chains_agree(text):
    for seed in range(4):
        found, expected = both(rows_of(seed), text)
        assert (found == expected).all()


def test_top_p_sees_only_what_the_filter_before_left():
    logs = np.log(np.array([[0.4, 0.3, 0.2, 0.1]]) / 0.4)
    assert both(logs, "top_p=0.65,top_k=2")[0].tolist() == [[True, True, False, False]]
    assert both(logs, "top_k=2,top_p=0.55")[0].tolist() == [[True, False, False, False]]


@pytest.mark.parametrize("n", [3, 30, 100, 1000])
@pytest.mark.parametrize("tenths", range(1, 10))
def test_equal_tokens_are_counted_exactly_and_by_lower_index(n, tenths):
    """Rounding in p * total must not add a token: 3 of 30 equal tokens are 0.1 of the mass."""
    for logs in (np.zeros((1, n)), np.full((1, n), -1.3) + 1.3):
        for kept in both(logs, f"top_p={tenths / 10}"):
            assert np.flatnonzero(kept[0]).tolist() == list(range(-(-n * tenths // 10)))


def test_every_token_is_kept_by_one():
    logs = np.array([[0.0, -5.0, -50.0, -600.0]])
    for text in ("top_p=1", "top_k=4", ""):
        assert both(logs, text)[0].all()
