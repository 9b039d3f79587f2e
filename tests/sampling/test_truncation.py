"""Which tokens the filters leave, against naive loops over sorted rows."""

import numpy as np
import pytest
import torch

from edt_sampling.sampling import reference
from edt_sampling.sampling import torch as torch_backend
from edt_sampling.sampling.filters import Filters, MinP, Mirostat, TopH, TopK, TopNSigma, TopP, Typical


def rows_of(seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(100, rng.integers(1, 400))) * rng.choice([0, 0.5, 3, 20, 200], size=(100, 1))
    logits[::2] = np.round(logits[::2] * 4) / 4
    logits[rng.random(logits.shape) < 0.1] = -np.inf
    logits[:, 0] = 0
    return logits - logits.max(-1, keepdims=True)


def both(logs, text, allowed=3.0):
    steps = Filters.parse(text).after
    weights = np.exp(logs)
    bits = np.full(len(logs), allowed)
    found = torch_backend.kept(torch.tensor(logs), torch.tensor(weights), steps, allowed=torch.tensor(bits)).numpy()
    expected = reference.kept(logs, weights, steps, allowed=bits)
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
    if isinstance(step, TopNSigma):
        finite = [x for x in logs if x > -np.inf]
        mean = sum(finite) / len(finite)
        deviation = (sum((x - mean) ** 2 for x in finite) / len(finite)) ** 0.5
        return {i for i in order if logs[i] >= -step.n * deviation * (1 + 1e-12)}
    surprise = {i: -np.log(p[i]) for i in order if p[i] > 0}
    entropy = sum(p[i] * s for i, s in surprise.items())
    if isinstance(step, Mirostat):
        return {order[0]} | {i for i, s in surprise.items() if s / np.log(2) <= 3.0}
    if isinstance(step, TopH):
        chosen, terms = {order[0]}, 0.0
        for i in order:
            terms += p[i] * surprise.get(i, 0)
            if terms > step.alpha * entropy * (1 + 1e-12):
                break
            chosen.add(i)
        return chosen
    if isinstance(step, Typical):
        order = sorted(surprise, key=lambda i: (round(abs(surprise[i] - entropy), 10), order.index(i)))
    chosen, mass = set(), 0.0
    for i in order:
        if mass >= step.p * (1 - 1e-12):
            break
        chosen.add(i)
        mass += p[i]
    return chosen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "step",
    [
        *(TopP(p) for p in (0.05, 0.5, 0.95, 0.999)),
        *(TopK(k) for k in (1, 7, 1000)),
        *(MinP(p) for p in (0.05, 1)),
        *(TopNSigma(n) for n in (0.3, 1, 2.5)),
        *(TopH(alpha) for alpha in (0.2, 0.4, 0.9)),
        Mirostat(5),
    ],
    ids=str,
)
def test_one_filter_against_a_loop(seed, step):
    logs = rows_of(seed)
    found, expected = both(logs, str(step))
    assert (found == expected).all()
    for row, kept in zip(logs, expected, strict=True):
        assert set(np.flatnonzero(kept)) == {i for i in naive(row, step) if np.exp(row[i]) > 0}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("p", [0.2, 0.9])
def test_typical_against_a_loop(seed, p):
    """On rows without ties: where two tokens lie equally far from the entropy, the last bit of a logarithm would decide."""
    logs = np.random.default_rng(seed).normal(size=(50, 200)) * np.linspace(0.1, 8, 50)[:, None]
    logs[:, ::9] = -np.inf
    logs -= logs.max(-1, keepdims=True)
    found, expected = both(logs, f"typical={p}")
    assert (found == expected).all()
    assert [set(np.flatnonzero(kept)) for kept in expected] == [naive(row, Typical(p)) for row in logs]


def test_typical_may_drop_the_best_token_and_what_follows_goes_by_the_best_that_is_left():
    """p = .5, .2, .2, .1: H = 1.22 nats, and of the surprises .69, 1.61, 1.61, 2.30 the second lies nearest."""
    logs = np.log(np.array([[0.5, 0.2, 0.2, 0.1]]) / 0.5)
    for text in ("typical=0.3", "typical=0.3,min_p=1", "typical=0.3,top_n_sigma=0.1", "typical=0.3,top_k=9"):
        assert [kept.tolist() for kept in both(logs, text)] == [[[False, True, True, False]]] * 2, text
    for text in ("typical=0.3,top_k=1", "typical=0.3,top_h=0.1", "typical=0.3,mirostat=1"):
        assert [kept.tolist() for kept in both(logs, text, allowed=0.1)] == [[[False, True, False, False]]] * 2, text


def test_top_h_and_typical_as_transformers_does_them():
    from transformers.generation.logits_process import TopHLogitsWarper, TypicalLogitsWarper

    logs = np.random.default_rng(3).normal(size=(60, 90)) * np.linspace(0.2, 6, 60)[:, None]
    logs -= logs.max(-1, keepdims=True)
    for text, warper in (("top_h=0.4", TopHLogitsWarper(0.4)), ("typical=0.7", TypicalLogitsWarper(0.7))):
        assert (both(logs, text)[0] == np.isfinite(warper(None, torch.tensor(logs)).numpy())).all()


@pytest.mark.parametrize(
    ("allowed", "kept"), [(0.9, [True, False, False]), (1.0, [True, False, False]), (1.9, [True, False, False]), (2.0, [True, True, True])]
)
def test_mirostat_allows_so_many_bits(allowed, kept):
    """p = 1/2, 1/4, 1/4: surprises of 1, 2 and 2 bits; the best token stays even where it is too surprising."""
    for found in both(np.log([[1, 0.5, 0.5]]), "mirostat=5", allowed):
        assert found.tolist() == [kept]


def test_mirostat_allows_less_after_a_surprise():
    """mu - 0.1 * (surprise - tau): llama.cpp's mirostat_v2 with eta = 0.1."""
    step = Mirostat(5)
    assert step.first == 10
    np.testing.assert_allclose(step.following(np.array([10.0, 4.0]), np.array([2**-8, 1.0]), np), [9.7, 4.5])


@pytest.mark.parametrize(
    "text",
    ["top_p=0.9,top_k=5", "top_k=5,top_p=0.9", "min_p=0.02,top_p=0.5,top_k=9", "top_p=0.7,min_p=0.3", "top_n_sigma=2,top_h=0.7,top_p=0.9"],
)
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
