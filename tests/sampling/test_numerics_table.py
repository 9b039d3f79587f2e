"""The numerics every backend keeps, row by row of the design's table."""

import math

import numpy as np
import pytest
import torch

import edt_sampling as edt
from edt_sampling.sampling.float32 import SWITCH

KINDS = pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
U = edt.uniforms(9, np.arange(300), 0, 1)[:, 0]


def repeated(kind, row, dtype=np.float64):
    return kind(np.tile(np.array(row, dtype), (len(U), 1)))


@KINDS
@pytest.mark.parametrize("steps", ["", "top_p=0.99", "top_k=4", "min_p=0.001", "top_k=4,temperature"])
def test_masked_tokens_are_never_drawn(kind, steps):
    row = [-np.inf, 0.0, -np.inf, -np.inf, 0.5, -np.inf]
    drawn = edt.sample(repeated(kind, row), "fixed:temperature=5", uniform=U, filters=steps)
    assert set(drawn.tolist()) == {1, 4}


@KINDS
@pytest.mark.parametrize("policy", ["fixed:temperature=0", "fixed:temperature=0.00009", "edt:t0=0,theta=0", "edt:t0=1,theta=90"])
@pytest.mark.parametrize("steps", ["", "top_p=0.3", "top_k=1", "min_p=1,temperature,top_p=0.5"])
def test_cold_rows_take_the_first_maximum(kind, policy, steps):
    result = edt.draw(repeated(kind, [0.0, 3.0, 1.0, 3.0, 3.0]), policy, uniform=U, filters=steps)
    assert set(result.token.tolist()) == {1}
    assert set(result.probability.tolist()) == {1.0}


@KINDS
def test_a_temperature_of_the_cap_itself_is_drawn(kind):
    result = edt.draw(repeated(kind, [0.0, 3.0, 1.0, 3.0]), "fixed:temperature=0.0001", uniform=U)
    assert set(result.token.tolist()) == {1, 3}
    assert set(result.probability.tolist()) == {0.5}


@KINDS
def test_one_finite_entry_is_drawn(kind):
    for policy in ("fixed:temperature=2", "edt:t0=1,theta=0", "udt:t0=1,theta=0.1", "dynatemp:low=0.5,high=1"):
        result = edt.draw(repeated(kind, [-np.inf, -np.inf, -7.0, -np.inf]), policy, uniform=U, filters="top_p=0.5")
        assert set(result.token.tolist()) == {2}
        assert set(result.entropy.tolist()) == {0.0}


def test_bfloat16_ties_take_the_lowest_index_as_argmax_does():
    logits = torch.randn(500, 1000, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert ((logits == logits.amax(-1, keepdim=True)).sum(-1) > 1).any()
    drawn = edt.sample(logits, "fixed:temperature=0", uniform=np.full(500, 0.7))
    assert torch.equal(drawn, logits.argmax(-1))
    assert (edt.sample(logits.double().numpy(), "fixed:temperature=0", uniform=np.full(500, 0.7)) == drawn.numpy()).all()


@KINDS
def test_entropy_is_never_negative(kind):
    gaps = np.concatenate([np.linspace(20, 60, 400), np.geomspace(60, 1e300, 100)])
    h = np.asarray(edt.entropy(kind(np.stack([gaps, np.zeros(500), np.zeros(500)], axis=1))))
    assert (h >= 0).all()
    assert (h < 1e-6).all()


@KINDS
@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 800.0, 0.0], [-np.inf, 1.0, -np.inf]])
@pytest.mark.parametrize("policy", ["edt:t0={},theta=0", "udt:t0={},theta=0", "edt:t0={},theta=0,base=0.1"])
def test_theta_zero_is_exactly_t0(kind, row, policy):
    for t0 in (0.0, 0.3, 0.7, 1.1, math.pi):
        assert float(edt.temperature(kind(np.array(row)), policy.format(t0))) == t0


@KINDS
def test_unusable_rows_are_named(kind):
    logits = np.zeros((5, 4))
    logits[0, 1], logits[2], logits[4, 3] = np.inf, -np.inf, np.nan
    message = r"logits: row 0 holds \+inf, row 2 is -inf throughout: no token is left, row 4 holds NaN$"
    for call in (
        edt.entropy,
        lambda x: edt.temperature(x, "fixed:temperature=1"),
        lambda x: edt.sample(x, "fixed:temperature=1", uniform=[0.5] * 5),
    ):
        with pytest.raises(ValueError, match=message):
            call(kind(logits))


@KINDS
def test_a_row_with_both_kinds_of_fault_and_many_rows(kind):
    with pytest.raises(ValueError, match=r"row 7 holds NaN and 4 more$"):
        edt.entropy(kind(np.full((12, 3), np.nan)))
    with pytest.raises(ValueError, match="row 0 holds NaN"):
        edt.entropy(kind(np.array([np.nan, np.inf, -np.inf])))


@KINDS
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "complex64"])
def test_integer_and_other_dtypes_are_refused(kind, dtype):
    with pytest.raises(ValueError, match=f"logits must be floating point, got {dtype}"):
        edt.entropy(kind(np.ones((2, 3), dtype)))


@KINDS
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floating_dtypes_draw_as_their_float64_values_do(kind, dtype):
    logits = np.random.default_rng(0).normal(size=(300, 70)).astype(dtype)
    low, high = (edt.draw(kind(x), "edt:t0=1,theta=0.3", uniform=U, filters="top_k=9") for x in (logits, logits.astype(np.float64)))
    for a, b in zip(low, high, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=0 if dtype == "float64" else 1e-6)


@KINDS
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_where_the_fast_path_is_off_they_do_to_the_last_bit(kind, dtype, monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    logits = np.random.default_rng(0).normal(size=(300, 70)).astype(dtype)
    low, high = (edt.draw(kind(x), "edt:t0=1,theta=0.3", uniform=U, filters="top_p=0.9") for x in (logits, logits.astype(np.float64)))
    for a, b in zip(low, high, strict=True):
        assert a.tolist() == b.tolist()


@KINDS
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (2, 3, 4)])
def test_other_shapes_are_refused(kind, shape):
    with pytest.raises(ValueError, match="logits must "):
        edt.entropy(kind(np.zeros(shape)))


@KINDS
def test_filtered_entropy_is_of_what_the_filters_before_leave(kind):
    logits = kind(np.log(np.array([[0.4, 0.4, 0.1, 0.1]])))
    raw, filtered, after = (
        edt.draw(logits, "edt:t0=1,theta=0.5", uniform=[0.5], filters=steps)
        for steps in ("top_k=2,temperature", "top_k=2,temperature,entropy_of=filtered", "top_k=2,entropy_of=filtered")
    )
    whole = -(0.8 * math.log(0.4) + 0.2 * math.log(0.1))
    assert [float(r.entropy[0]) for r in (raw, filtered, after)] == pytest.approx([whole, math.log(2), whole], abs=1e-12)
    assert float(filtered.temperature[0]) == pytest.approx(0.8 ** (0.5 / math.log(2)), abs=1e-12)


@KINDS
def test_very_hot_rows_are_uniform_over_what_is_not_masked(kind):
    result = edt.draw(repeated(kind, [-np.inf, 0.0, 500.0, -300.0]), "fixed:temperature=1e308", uniform=U)
    assert set(result.token.tolist()) == {1, 2, 3}
    assert result.probability.tolist() == pytest.approx([1 / 3] * 300)
