"""Row statistics against closed forms and scipy."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats

import edt_sampling as edt
from edt_sampling.sampling import reference
from edt_sampling.sampling import torch as torch_backend

KINDS = [np.asarray, torch.as_tensor]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 1000, 32_000])
def test_uniform_rows_have_entropy_ln_n(kind, n):
    assert float(edt.entropy(kind(np.full(n, 7.25)))) == pytest.approx(math.log(n), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_two_tokens(kind):
    p = np.array([0.1, 0.9])
    assert float(edt.entropy(kind(np.log(p) + 50))) == pytest.approx(0.3250829733914482, abs=1e-13)


@pytest.mark.parametrize("backend", [reference, torch_backend])
def test_geometric_row_has_its_closed_form(backend):
    """p_i = (1 - r) r**i: H = -ln(1 - r) - r ln r / (1 - r), max p = 1 - r."""
    r, logits = 0.7, np.arange(400) * math.log(0.7)
    rows = logits[None] if backend is reference else torch.tensor(logits)[None]
    found = backend.statistics(rows)
    assert float(found.entropy[0]) == pytest.approx(-math.log(1 - r) - r * math.log(r) / (1 - r), abs=1e-13)
    assert float(found.max_probability[0]) == pytest.approx(1 - r, abs=1e-13)
    assert float(found.support[0]) == 400


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_agrees_with_scipy_and_between_backends(data):
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 200)))
    scale = data.draw(st.sampled_from([0.1, 1.0, 10.0, 100.0]))
    logits = scale * data.draw(hnp.arrays(np.float64, shape, elements=st.floats(-10, 10)))
    mask = data.draw(hnp.arrays(np.bool_, shape))
    mask[:, 0] = False
    logits[mask] = -np.inf
    p = special.softmax(logits, axis=-1)
    for found in (reference.statistics(logits), torch_backend.statistics(torch.tensor(logits))):
        np.testing.assert_allclose(found.entropy, stats.entropy(p, axis=-1), rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.max_probability, p.max(-1), rtol=1e-12)
        assert (np.asarray(found.support) == (~mask).sum(-1)).all()
        assert (np.asarray(found.entropy) >= 0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_half_precision_logits_have_the_entropy_of_their_values(dtype):
    logits = (torch.randn(3, 500, generator=torch.Generator().manual_seed(0)) * 3).to(dtype)
    expected = stats.entropy(special.softmax(logits.double().numpy(), axis=-1), axis=-1)
    np.testing.assert_allclose(edt.entropy(logits), expected, atol=1e-12)


def test_result_is_of_the_kind_that_came_in():
    array, tensor = edt.entropy(np.zeros((2, 3), np.float16)), edt.entropy(torch.zeros(2, 3))
    assert array.dtype == np.float64
    assert tensor.dtype == torch.float64
    assert np.ndim(edt.entropy(np.zeros(3))) == 0
    assert edt.entropy(torch.zeros(3)).shape == ()


def test_logits_are_left_as_they_were():
    tensor = torch.randn(4, 9, dtype=torch.float64)
    before = tensor.clone()
    edt.draw(tensor, "edt:t0=1,theta=1", uniform=np.full(4, 0.5), filters="top_k=3,temperature,top_p=0.5,entropy_of=filtered")
    assert torch.equal(tensor, before)
