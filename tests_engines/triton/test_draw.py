"""Draws in Triton's interpreter: the oracle's tokens, but where u or a threshold lies within float32's margin of a boundary."""

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from oracle import DTYPES, SHAPES, SPECS, acceptable, close, margins, policies, rows_of_every_kind, uniforms
from waits import Waits

from edt_sampling.policies import policy
from edt_sampling.sampling import Filters, reference
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.triton import draw, supports

U_MARGIN = 5e-6
FILTERS = ("top_k=3", "top_p=0.9", "min_p=0.1", "top_k=40,top_p=0.8,min_p=0.01", "min_p=0.02,top_p=0.7,top_k=5", "top_p=0.6,top_k=100")


def held_against_the_oracle(logits, specs=SPECS, filters="", seed=0, **given_columns):
    """Draws, and says what of it lies outside the margin; the draws that are the oracle's to the last token are returned as a share."""
    rows, steps = len(logits), Filters.parse(filters)
    u, mixture = uniforms(rows, seed), policies(rows, specs=specs)
    found = draw(logits, policies(rows, like=logits, specs=specs), uniform=torch.tensor(u), filters=steps, **given_columns)
    expected = reference.draw(logits.double().numpy(), mixture, uniform=u, filters=steps, **given_columns)
    tokens, margin = found.token.numpy(), margins(logits)
    close(found.entropy, expected.entropy, margin, "entropy")
    close(found.temperature, expected.temperature, margin, "temperature")
    fine = acceptable(tokens, logits, mixture, uniform=u, filters=steps, margin=float(margin.max()), **given_columns)
    assert fine.all(), f"row {np.argmin(fine)}: token {tokens[np.argmin(fine)]}"
    same = tokens == expected.token
    close(found.probability.numpy()[same], expected.probability[same], margin[same], "probability")
    return same.mean()


@pytest.mark.parametrize(("rows", "vocab"), SHAPES)
def test_every_size_and_kind_of_row(rows, vocab):
    logits = rows_of_every_kind(rows, vocab, seed=5)
    assert held_against_the_oracle(logits) >= 0.8


@pytest.mark.parametrize("filters", FILTERS)
def test_every_filter_behind_the_temperature(filters):
    assert held_against_the_oracle(rows_of_every_kind(8, 1_000, seed=6), filters=filters) >= 0.9


@pytest.mark.parametrize(
    ("rows", "vocab", "filters"),
    [(7, 1, FILTERS[3]), (7, 2, FILTERS[4]), (7, 4097, FILTERS[3]), (1, 32_000, FILTERS[1]), (1, 151_936, "top_p=0.95")],
)
def test_filters_at_every_size(rows, vocab, filters):
    held_against_the_oracle(rows_of_every_kind(rows, vocab, seed=14), filters=filters, seed=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("filters", ["", FILTERS[3]])
def test_half_precision(dtype, filters):
    assert held_against_the_oracle(rows_of_every_kind(8, 600, dtype=dtype, seed=7), filters=filters) >= 0.7


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    levels=st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0, -np.inf]), min_size=1, max_size=40),
    steps=st.permutations(["top_k=4", "top_p=0.83", "min_p=0.31"]),
    count=st.integers(1, 3),
    u=st.floats(1e-6, 1 - 1e-6),
)
def test_ties_go_to_the_lower_index_in_any_order_of_filters(levels, steps, count, u):
    """-0 and 0 tie; the oracle's token at u or no farther than the margin from it."""
    logits = torch.tensor([[*levels, 2.5]], dtype=torch.float32)
    filters, of = Filters.parse(",".join(steps[:count])), ["fixed:temperature=0.8"]
    found = draw(logits, policies(1, like=logits, specs=of), uniform=[u], filters=filters)
    assert acceptable(found.token.numpy(), logits, policies(1, specs=of), uniform=np.array([u]), filters=filters, margin=U_MARGIN).all()
    exact = reference.draw(logits.double().numpy(), policies(1, specs=of), uniform=[u], filters=filters)
    if found.token == exact.token:
        assert float(found.probability[0]) == pytest.approx(float(exact.probability[0]), abs=2e-6)


def test_top_k_among_ties_over_tiles_keeps_the_first():
    """Nine equal best tokens on both sides of a tile's end: the first five stay, and u says which of them."""
    logits = torch.zeros(5, 9_000)
    places = [5, 4000, 4094, 4095, 4096, 4097, 8191, 8192, 8999]
    logits[:, places] = 30.0
    of = ["fixed:temperature=1"]
    found = draw(logits, policies(5, like=logits, specs=of), uniform=[0.1, 0.3, 0.5, 0.7, 0.9], filters=Filters.parse("top_k=5"))
    assert found.token.tolist() == places[:5]
    assert found.probability.tolist() == [0.2] * 5


def test_top_p_of_equal_tokens_needs_no_more_than_their_share():
    """3 of 30 equal ones make 0.1, though the last bit of a sum would ask for a fourth."""
    logits = torch.zeros(3, 30)
    found = draw(
        logits, policies(3, like=logits, specs=["fixed:temperature=1"]), uniform=[0.1, 0.5, 0.99], filters=Filters.parse("top_p=0.1")
    )
    assert found.token.tolist() == [0, 1, 2]
    assert found.probability.tolist() == pytest.approx([1 / 3] * 3)


def test_filters_that_leave_all_leave_all():
    logits = rows_of_every_kind(7, 130, seed=8)
    u = torch.tensor(uniforms(7))
    plain, full = (draw(logits, policies(7, like=logits), uniform=u, filters=Filters.parse(f)) for f in ("", "top_k=130,top_p=1"))
    assert plain.token.tolist() == full.token.tolist()


def test_the_temperature_may_come_from_what_is_kept():
    logits = rows_of_every_kind(4, 300, seed=9)
    specs = ["instance-edt:t0=1,theta=0.5", "scheduled", "kl-guided:t0=1", "edt:t0=0.7,theta=0.3"]
    columns = {"first_entropy": [0.5, 1.0, 1.0, 1.0], "scheduled": [0.0, 0.3, 0.0, 0.0], "kl": [0.0, 0.0, 2.0, 0.0]}
    held_against_the_oracle(logits, specs=specs, **columns)


def test_a_row_at_fault_has_no_token_and_the_others_theirs():
    logits = rows_of_every_kind(6, 5_000, seed=10)
    fine = draw(logits, policies(6, like=logits), uniform=torch.full((6,), 0.4))
    logits[1, 4500], logits[2, 3], logits[3, :] = torch.nan, torch.inf, -torch.inf
    for filters in ("", "top_k=5,top_p=0.9"):
        found = draw(logits, policies(6, like=logits), uniform=torch.full((6,), 0.4), filters=Filters.parse(filters))
        assert (found.token == -1).tolist() == [False, True, True, True, False, False]
        for column in (found.entropy, found.temperature, found.probability):
            assert column.isnan().tolist() == [False, True, True, True, False, False]
        if not filters:
            assert found.token[[0, 4, 5]].tolist() == fine.token[[0, 4, 5]].tolist()


def test_a_policy_that_gives_no_number_gives_no_token():
    logits = torch.zeros(2, 10)
    mixture = policies(2, like=logits, specs=["kl-guided:t0=1"])
    found = draw(logits, mixture, uniform=[0.5, 0.5], kl=torch.tensor([0.0, torch.nan]))
    assert (found.token >= 0).tolist() == [True, False]
    assert found.temperature.isnan().tolist() == found.probability.isnan().tolist() == [False, True]


def test_greedy_rows_take_their_first_maximum_with_probability_one():
    logits = torch.tensor([[0.0, 3.0, 1.0, 3.0]]).repeat(2, 1)
    specs = ["fixed:temperature=0.00009", "fixed:temperature=0.0001"]
    found = draw(logits, policies(2, like=logits, specs=specs), uniform=[0.99, 0.99])
    assert found.token.tolist() == [1, 3]
    assert found.probability.tolist() == [1.0, 0.5]


def test_a_masked_token_is_never_drawn_at_any_temperature():
    logits = torch.full((20, 200), -torch.inf)
    logits[:, [3, 150]] = torch.tensor([0.0, -20.0])
    u = torch.linspace(1e-12, 1 - 1e-12, 20, dtype=torch.float64)
    found = draw(logits, policies(20, like=logits, specs=["fixed:temperature=1e60"]), uniform=u)
    assert found.token.tolist() == [3] * 10 + [150] * 10


@pytest.mark.parametrize("filters", ["", "top_k=20,top_p=0.9"])
def test_a_batch_is_a_loop_over_its_rows_wherever_they_lie(filters):
    logits, u, steps = rows_of_every_kind(5, 4_500, seed=11), torch.tensor(uniforms(5)), Filters.parse(filters)
    apart = torch.zeros(4_500, 10)
    apart[:, ::2] = logits.t()
    whole = draw(logits, policies(5, like=logits), uniform=u, filters=steps)
    other = draw(apart.t()[::2], policies(5, like=logits), uniform=u, filters=steps)
    assert all(torch.equal(a, b) for a, b in zip(whole, other, strict=True))
    for row in range(5):
        of = backend.mixture([policy(SPECS[row])], like=logits)
        alone = draw(logits[row : row + 1], of, uniform=u[row : row + 1], filters=steps)
        assert [column.tolist() for column in alone] == [column[row : row + 1].tolist() for column in whole]


@pytest.mark.parametrize("filters", ["", FILTERS[3]])
def test_the_host_never_waits_for_the_device(filters):
    logits = rows_of_every_kind(8, 300)
    mixture, u = policies(8, like=logits), torch.full((8,), 0.5, dtype=torch.float64)
    with Waits() as waits:
        draw(logits, mixture, uniform=u, filters=Filters.parse(filters))
    assert waits.found == []


def test_no_rows_in_no_rows_out():
    found = draw(torch.empty(0, 5), policies(0, like=torch.empty(0)), uniform=[])
    assert [len(column) for column in found] == [0, 0, 0, 0]


def test_what_it_takes_and_what_it_refuses():
    assert supports(Filters.parse("top_k=3"), frozenset({"entropy", "kl"}))
    assert supports(Filters.parse("temperature,min_p=0.1,top_k=3,top_p=0.9"), frozenset({"varentropy", "margin"}))
    for filters in ("top_k=3,temperature", "typical=0.9", "top_n_sigma=1", "mirostat=3", "top_h=0.4"):
        assert not supports(Filters.parse(filters), frozenset())
        with pytest.raises(ValueError, match="filters must be top_k, top_p and min_p behind the temperature in Triton, got"):
            draw(torch.zeros(1, 4), policies(1, like=torch.zeros(1)), uniform=[0.5], filters=Filters.parse(filters))
    assert not supports(Filters(), frozenset({"mood"}))
    with pytest.raises(ValueError, match="uniform must hold one number a row: it holds 2 numbers, logits 1 rows"):
        draw(torch.zeros(1, 4), policies(1, like=torch.zeros(1)), uniform=[0.5, 0.5])
    with pytest.raises(ValueError, match="policies must be one a row: 2 policies, logits 1 rows"):
        draw(torch.zeros(1, 4), policies(2, like=torch.zeros(1)), uniform=[0.5])
    with pytest.raises(ValueError, match="instance-edt needs first_entropy"):
        draw(torch.zeros(1, 4), policies(1, like=torch.zeros(1), specs=["instance-edt:t0=1,theta=1"]), uniform=[0.5])
