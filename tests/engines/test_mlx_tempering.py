"""MLX's statistics, temperatures and filters against the float64 oracle, and what its draws follow."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from edt_sampling import policy
from edt_sampling.engines.mlx import PolicySampler
from edt_sampling.sampling import Filters, reference
from edt_sampling.sampling import mlx as backend
from edt_sampling.sampling.contract import COLDEST, COMPUTED
from edt_sampling.sampling.mlx_filters import kept
from edt_sampling.sampling.reference_filters import kept as reference_kept

SPECS = (
    "edt:t0=0.8,theta=0.2",
    "fixed:temperature=0.7",
    "udt:t0=1,theta=0.1",
    "fixed:temperature=0",
    "udt-margin:t0=1,theta=0.1",
    "dynatemp:low=0.2,high=1.2,exponent=0.7",
    "edt:t0=1.1,theta=0",
    "udt-varentropy:t0=1,theta=0.3",
)


def random_rows(rows: int, vocab: int, *, seed: int = 0, scale: float = 3.0) -> np.ndarray:
    """Float32, every third row tied at whole numbers, every third masked over half its tokens, every third with a best token far ahead."""
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(rows, vocab)) * scale).astype(np.float32)
    logits[::3] = np.round(logits[::3])
    if vocab > 1:
        logits[1::3, : vocab // 2] = -np.inf
    logits[2::3, vocab - 1] += 18
    return logits


def tempered_p(logits: np.ndarray, temperature: np.ndarray, filters: Filters) -> np.ndarray:
    """Probabilities after the temperature and the filters behind it, float64, written out row by row."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    found = np.zeros(logits.shape)
    for row, t in enumerate(temperature):
        if t < COLDEST:
            found[row, shifted[row].argmax()] = 1
            continue
        logs = (shifted[row] / t)[None]
        weights = np.exp(logs)
        found[row] = np.where(reference_kept(logs, weights, filters.after), weights, 0)[0]
    return found / found.sum(-1, keepdims=True)


@pytest.mark.parametrize(("rows", "vocab"), [(9, 1), (9, 2), (12, 300), (6, 4096), (3, 128_256), (3, 151_936)])
def test_statistics_lie_within_the_stated_margin(rows, vocab):
    logits = random_rows(rows, vocab)
    found, expected = backend.statistics(mx.array(logits), needs=COMPUTED), reference.statistics(logits, needs=COMPUTED)
    assert (np.abs(np.array(found.entropy) - expected.entropy) <= 1e-6 * (1 + expected.entropy)).all()
    for name in ("max_probability", "margin"):
        np.testing.assert_allclose(np.array(getattr(found, name)), getattr(expected, name), rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.array(found.varentropy), expected.varentropy, rtol=2e-6, atol=1e-6)
    np.testing.assert_array_equal(np.array(found.support), expected.support)


@pytest.mark.parametrize("gap", [2.0, 8.0, 12.0, 16.0])
def test_a_small_entropy_keeps_its_digits(gap):
    """Of two tokens e^-gap apart, by the binary entropy's own formula; ln Z - sum w x / Z in float32 has 6e-8 as its last digit."""
    q = special.expit(-gap)
    exact = -q * np.log(q) - (1 - q) * np.log1p(-q)
    (found,) = np.array(backend.statistics(mx.array([[0.0, -gap]])).entropy)
    assert abs(found / exact - 1) < 2e-6


@pytest.mark.parametrize(
    "text", ["", "top_p=0.9", "top_k=7", "min_p=0.1", "top_k=40,temperature,top_p=0.95", "top_p=0.9,temperature,entropy_of=filtered"]
)
def test_mixed_policies_and_filters_give_the_oracles_probabilities(text):
    filters = Filters.parse(text)
    logits = random_rows(16, 500, seed=1)
    chosen = [policy(SPECS[row % len(SPECS)]) for row in range(16)]
    given = mx.array(logits)
    found = backend.temper(given, backend.mixture(chosen), filters=filters)
    mixture = reference.mixture(chosen)
    t = reference.temperature(logits, mixture, filters=filters)
    np.testing.assert_allclose(np.array(found.temperature), t, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.array(found.entropy), reference.statistics(logits, filters=filters).entropy, rtol=2e-6, atol=1e-6)
    before = np.where(reference_kept(*shifted_and_weights(logits), filters.before), logits, -np.inf)
    expected = tempered_p(before, t, filters)
    np.testing.assert_allclose(np.array(mx.softmax(found.logits, axis=-1)), expected, rtol=0, atol=2e-5)
    assert ((np.array(found.logits) > -np.inf) == (expected > 0)).all()


def shifted_and_weights(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    return shifted, np.exp(shifted)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_filters_keep_what_the_oracle_keeps(data):
    """Rows with ties and masks. Top-p may differ where the mass up to a token lies within 1e-5 of p, and is then what a p nearby keeps."""
    rows, vocab = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 200))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    logs = np.round(rng.normal(size=(rows, vocab)) * 3 * 4) / 4
    logs[rng.random((rows, vocab)) < data.draw(st.sampled_from([0.0, 0.5]))] = -np.inf
    logs[np.arange(rows), rng.integers(vocab, size=rows)] = 4.0
    logs -= logs.max(-1, keepdims=True)
    p = data.draw(st.sampled_from([0.1, 0.5, 0.9, 0.95, 1.0]) | st.floats(0.01, 1))
    words = data.draw(st.sampled_from([f"top_p={p!r}", f"top_k={data.draw(st.integers(1, 250))}", f"min_p={p!r}"]))
    found = np.array(kept(mx.array(logs.astype(np.float32)), Filters.parse(words).after))
    if not words.startswith("top_p"):
        np.testing.assert_array_equal(found, reference_kept(logs, np.exp(logs), Filters.parse(words).after))
        return
    near = (Filters.parse(f"top_p={min(max(p * (1 + m), 1e-9), 1)!r}").after for m in (-1e-5, 1e-5))
    least, most = (reference_kept(logs, np.exp(logs), steps) for steps in near)
    assert (least <= found).all()
    assert (found <= most).all()


def test_top_p_of_equal_tokens_keeps_the_first_ones():
    """Ten equal tokens make 0.1 each: 3 of them are 0.3. mlx-lm's own top-p keeps all ten."""
    from mlx_lm.sample_utils import apply_top_p

    flat = mx.zeros((1, 10))
    assert np.array(kept(flat, Filters.parse("top_p=0.3").after)).tolist() == [[True] * 3 + [False] * 7]
    assert np.isfinite(np.array(apply_top_p(flat - mx.logsumexp(flat), 0.3))).all()


def test_rows_that_no_temperature_can_be_read_from_are_left_as_they_came():
    logits = np.array([[1, np.nan, 2], [np.inf, 1, 2], [-np.inf] * 3, [1, 3, 2]], dtype=np.float32)
    found = np.array(backend.temper(mx.array(logits), backend.mixture([policy("edt:t0=0.5,theta=0.1")] * 4)).logits)
    np.testing.assert_array_equal(found[:3], logits[:3])
    assert found[3].argmax() == 1
    assert np.isfinite(found[3]).all()


def test_a_temperature_that_is_no_number_leaves_its_row_as_it_came():
    class Undefined:
        policies, needs = (None, None), frozenset({"entropy"})

        def temperature(self, read):
            return mx.array([float("nan"), 0.5])

    found = np.array(backend.temper(mx.array([[1.0, 3.0], [1.0, 3.0]]), Undefined()).logits)
    np.testing.assert_allclose(found, [[1, 3], [-4, 0]], atol=1e-6)


@pytest.mark.parametrize("temperature", ["0", "1e-5", "1e30", "1e200"])
def test_extreme_temperatures_give_no_nan(temperature):
    logits = mx.array([[2.0, 5.0, 5.0, -mx.inf, -80.0]])
    mixture = backend.mixture([policy(f"fixed:temperature={temperature}")])
    p = np.array(mx.softmax(backend.temper(logits, mixture).logits, axis=-1))[0]
    np.testing.assert_allclose(p, [0, 1, 0, 0, 0] if float(temperature) < 1 else [0.25, 0.25, 0.25, 0, 0.25], atol=1e-6)


def test_half_precision_is_read_in_float32():
    logits = mx.array(random_rows(3, 400, seed=5)).astype(mx.bfloat16)
    read = backend.temper(logits, backend.mixture([policy("edt:t0=0.9,theta=0.2")] * 3))
    assert read.logits.dtype == mx.float32
    expected = reference.statistics(np.array(logits.astype(mx.float32))).entropy
    np.testing.assert_allclose(np.array(read.entropy), expected, rtol=2e-6, atol=1e-6)


def test_what_is_refused():
    mixture = backend.mixture([policy("edt:t0=1,theta=1")])
    with pytest.raises(ValueError, match=r"^logits must be \[rows, vocab\], got shape \(3,\)$"):
        backend.temper(mx.zeros(3), mixture)
    with pytest.raises(ValueError, match=r"^logits must be floating point, got mlx\.core\.int32$"):
        backend.temper(mx.zeros((1, 3), dtype=mx.int32), mixture)
    with pytest.raises(ValueError, match="policies must be one a row: 1 policies, logits 2 rows"):
        backend.temper(mx.zeros((2, 3)), mixture)


N = 20_000
LOGITS = np.array([2.0, 1.0, 1.0, -np.inf, 0.0, -1.0, 0.5, -2.0], dtype=np.float32)


@pytest.mark.parametrize(
    ("spec", "filters", "temperature", "dropped"),
    [
        ("fixed:temperature=0.5", "", 0.5, ()),
        ("edt:t0=1.2,theta=0.6", "", None, ()),
        ("fixed:temperature=0.9", "top_k=3", 0.9, (4, 5, 6, 7)),
        ("fixed:temperature=0.9", "min_p=0.3", 0.9, (4, 5, 6, 7)),
        ("fixed:temperature=0.9", "top_p=0.6,temperature", 0.9, (2, 4, 5, 6, 7)),
    ],
)
def test_draws_follow_the_oracles_distribution(spec, filters, temperature, dropped):
    """Chi-square over 20,000 draws at level 1e-4. Power: a temperature wrong by 15% is found in every case, shown by the same test."""
    if temperature is None:
        temperature = reference.temperature(LOGITS[None], reference.mixture([policy(spec)]))[0]
    rows = mx.array(np.tile(LOGITS, (N, 1)))
    counts = np.bincount(np.array(PolicySampler(spec, filters=filters, seed=3)(rows)), minlength=8)

    def pvalue(t: float) -> float:
        z = LOGITS.astype(np.float64) / t
        z[list(dropped)] = -np.inf
        p = special.softmax(z)
        assert counts[p == 0].sum() == 0
        return stats.chisquare(counts[p > 0], N * p[p > 0]).pvalue

    assert pvalue(temperature) > 1e-4
    assert pvalue(temperature * 1.15) < 1e-4
