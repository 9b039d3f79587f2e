"""NumPy and torch draw the same tokens, in float64; float32's fast path stands in test_float32_draws.py."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edt_sampling.policies import EDT, UDT, DynaTemp, Fixed, InstanceEDT, KLGuided, MarginUDT, RunningEDT, Scheduled, VarentropyUDT
from edt_sampling.sampling import Filters, reference, uniforms
from edt_sampling.sampling import torch as torch_backend
from edt_sampling.sampling.float32 import SWITCH

MARGIN = 1e-12
EXTREMES = [0.5 / 2**52, 1 - 0.5 / 2**52, 0.5 - 0.5 / 2**52, 0.5 + 0.5 / 2**52]


@pytest.fixture(autouse=True, scope="module")
def float64_throughout():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SWITCH, "0")
        yield


def numbers(low, high):
    return st.floats(low, high) | st.sampled_from([low, (low + high) / 2, high])


def policies():
    return st.one_of(
        st.builds(Fixed, temperature=numbers(0, 1.5)),
        st.builds(EDT, t0=numbers(0, 1.5), theta=numbers(0, 3)),
        st.builds(UDT, t0=numbers(0, 1.5), theta=numbers(0, 1)),
        st.builds(InstanceEDT, t0=numbers(0, 1.5), theta=numbers(0, 3)),
        st.builds(Scheduled),
        st.builds(MarginUDT, t0=numbers(0, 1.5), theta=numbers(0, 1)),
        st.builds(VarentropyUDT, t0=numbers(0, 1.5), theta=numbers(0, 1)),
        st.builds(KLGuided, t0=numbers(0, 1.5), bandwidth=numbers(0, 2)),
        st.builds(RunningEDT, t0=numbers(0, 1.5), theta=numbers(0, 3)),
        st.builds(DynaTemp, low=numbers(0, 0.5), high=numbers(0.5, 1.5), exponent=numbers(0.1, 3)),
    )


@st.composite
def filters(draw):
    shares = st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9, 0.95, 0.999, 1.0]) | st.floats(0.01, 1)
    steps = {"top_k": st.integers(1, 60), "top_p": shares, "min_p": shares, "top_n_sigma": st.floats(0.1, 4), "top_h": shares}
    chosen = draw(st.lists(st.sampled_from(sorted(steps)), unique=True, max_size=3))
    words = [f"{name}={draw(steps[name])!r}" for name in chosen]
    words.insert(draw(st.integers(0, len(words))), "temperature")
    return Filters.parse(",".join([*words, f"entropy_of={draw(st.sampled_from(['raw', 'filtered']))}"]))


@st.composite
def batches(draw):
    """Rows with ties (values on a grid) and masks, at least one token of each row left."""
    rows, vocab = draw(st.integers(1, 5)), draw(st.integers(1, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(size=(rows, vocab)) * draw(st.sampled_from([0.0, 0.3, 1, 4, 30]))
    if draw(st.booleans()):
        grid = draw(st.sampled_from([0.125, 1.0, 8.0]))
        logits = np.round(logits / grid) * grid
    masked = rng.random((rows, vocab)) < draw(st.sampled_from([0.0, 0.3, 0.99]))
    masked[np.arange(rows), rng.integers(vocab, size=rows)] = False
    logits[masked] = -np.inf
    u = draw(st.lists(st.integers(0, 2**52 - 1).map(lambda k: (k + 0.5) / 2**52) | st.sampled_from(EXTREMES), min_size=rows, max_size=rows))
    kept = {name: rng.random(rows) * 3 for name in ("first_entropy", "running_entropy", "kl")}
    kept["scheduled"] = rng.random(rows) * rng.integers(0, 2, rows)
    return logits.astype(draw(st.sampled_from([np.float32, np.float64]))), np.array(u), kept


def both(logits, chosen, u, steps, kept):
    tensor = torch.tensor(logits)
    expected = reference.draw(logits, reference.mixture(chosen), uniform=u, filters=steps, **kept)
    found = torch_backend.draw(tensor, torch_backend.mixture(chosen, like=tensor), uniform=u, filters=steps, **kept)
    return expected, found


@settings(max_examples=80, deadline=None)
@given(batches(), st.data(), filters())
def test_same_tokens_over_generated_batches(batch, data, steps):
    """The same token; where u lies within MARGIN of a boundary, one that the reference draws within MARGIN."""
    logits, u, kept = batch
    chosen = data.draw(st.lists(policies(), min_size=len(u), max_size=len(u)))
    expected, found = both(logits, chosen, u, steps, kept)
    low, high = (
        reference.draw(logits, reference.mixture(chosen), uniform=np.minimum(u * (1 + m), 1 - 2**-53), filters=steps, **kept).token
        for m in (-MARGIN, MARGIN)
    )
    token = found.token.numpy()
    assert ((np.minimum(low, expected.token) <= token) & (token <= np.maximum(high, expected.token))).all()
    np.testing.assert_allclose(found.entropy, expected.entropy, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.temperature, expected.temperature, rtol=1e-9, atol=1e-12)
    same = token == expected.token
    np.testing.assert_allclose(found.probability.numpy()[same], expected.probability[same], rtol=1e-7, atol=1e-12)
    assert np.isfinite(logits[np.arange(len(u)), token]).all()
    assert (found.probability.numpy() > 0).all()


@settings(max_examples=40, deadline=None)
@given(batches(), st.floats(-3, 3))
def test_the_same_statistics_and_divergences(batch, shift):
    """Margin, varentropy and KL against their definitions on probabilities, and NumPy against torch."""
    logits = batch[0].astype(np.float64)
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    needs = frozenset({"margin", "varentropy"})
    expected, found = reference.statistics(logits, needs=needs), torch_backend.statistics(torch.tensor(logits), needs=needs)
    best = np.sort(np.pad(p, ((0, 0), (1, 0))), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ln = np.where(p > 0, np.log(p), 0)
    mean = (p * ln).sum(-1, keepdims=True)
    np.testing.assert_allclose(expected.margin, best[:, -1] - best[:, -2], atol=1e-12)
    np.testing.assert_allclose(expected.varentropy, (p * (ln - mean) ** 2).sum(-1), atol=1e-9)
    np.testing.assert_allclose(found.margin, expected.margin, atol=1e-12)
    np.testing.assert_allclose(found.varentropy, expected.varentropy, rtol=1e-10, atol=1e-11)
    other = np.roll(logits, 1, -1) * shift if np.isfinite(logits).all() else logits
    kl = reference.divergence(logits, other)
    np.testing.assert_allclose(torch_backend.divergence(torch.tensor(logits), torch.tensor(other)), kl, rtol=1e-9, atol=1e-10)
    q = np.exp(other - other.max(-1, keepdims=True))
    q /= q.sum(-1, keepdims=True)
    p, q = (np.clip(x, 1e-7, 1) for x in (p, q))
    np.testing.assert_allclose(kl, np.maximum((p * np.log(p / q)).sum(-1), 0), rtol=1e-9, atol=1e-10)


def test_statistics_that_nobody_asks_for_are_not_computed():
    read = reference.statistics(np.zeros((1, 3)))
    assert (read.margin, read.varentropy) == (None, None)
    assert torch_backend.statistics(torch.zeros(1, 3), needs=frozenset({"margin"})).varentropy is None


@settings(max_examples=40, deadline=None)
@given(batches(), st.lists(numbers(0, 1.5), min_size=1, max_size=3))
def test_the_same_tempered_entropies_and_likelihoods(batch, levels):
    """Of each row's most probable, middle and least probable token, which may be masked, at temperatures that differ over rows."""
    logits, u, _ = batch
    order = np.argsort(-logits, axis=-1)
    temperatures = np.array(levels)[:, None] * np.where(u < 0.5, 1, 0.3)
    for tokens in (order[:, 0], order[:, order.shape[1] // 2], order[:, -1]):
        expected = reference.tempered(logits, tokens, temperatures)
        found = torch_backend.tempered(torch.tensor(logits), torch.tensor(tokens), torch.tensor(temperatures))
        np.testing.assert_allclose(found.entropy, expected.entropy, rtol=0, atol=1e-11)
        np.testing.assert_allclose(found.nll, expected.nll, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("text", ["", "top_p=0.95", "top_k=40", "min_p=0.05", "top_p=0.9,temperature,min_p=0.1,entropy_of=filtered"])
@pytest.mark.parametrize(("rows", "vocab"), [(12, 32_000), (400, 257)])
def test_not_one_token_differs_with_counted_uniforms(rows, vocab, text):
    logits = np.random.default_rng(vocab).normal(size=(rows, vocab)).astype(np.float32) * 3
    logits[:, ::7] = np.round(logits[:, ::7])
    logits[::3, 5:80] = -np.inf
    kinds = [EDT(t0=1, theta=0.5), Fixed(temperature=0.8), UDT(t0=1.2, theta=0.1), Fixed(temperature=0), EDT(t0=0.7, theta=5)]
    chosen = [kinds[row % len(kinds)] for row in range(rows)]
    expected, found = both(logits, chosen, uniforms(5, np.arange(rows), 0, 1)[:, 0], Filters.parse(text), {})
    assert (found.token.numpy() == expected.token).all()


def test_no_extreme_uniform_draws_a_masked_token():
    logits = np.full((4, 50), -np.inf)
    logits[:, 20:30] = np.linspace(0, -800, 10)
    for u in (np.full(4, EXTREMES[0]), np.full(4, EXTREMES[1]), np.full(4, 1e-300)):
        for temperature in (1e-3, 1, 1e6):
            expected, found = both(logits, [Fixed(temperature=temperature)] * 4, u, Filters(), {})
            assert set(found.token.tolist()) <= set(range(20, 30))
            assert (found.token.numpy() == expected.token).all()
