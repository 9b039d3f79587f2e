"""Chains of llama.cpp's samplers: where the policy stands decides which tokens survive, and what is drawn is what the oracle says."""

import math

import llama_cpp
import numpy as np
import pytest
from scipy import stats

import edt_sampling as edt
from edt_sampling.engines.llama_cpp import Chain
from edt_sampling.engines.llama_cpp.candidates import Candidates

LOGITS = (np.random.default_rng(3).normal(size=60) * 2).astype(np.float32)


def oracle(logits: np.ndarray, policy: str, filters: str) -> np.ndarray:
    """The probability of every token that the oracle can draw, from draws over a grid fine enough to meet them all."""
    u = (np.arange(5000) + 0.5) / 5000
    drawn = edt.draw(logits[None].repeat(len(u), 0), [policy] * len(u), uniform=u, filters=filters)
    found = np.zeros(len(logits))
    found[drawn.token] = drawn.probability
    assert found.sum() == pytest.approx(1)
    return found


FILTERS = (
    "temperature,top_p=0.8",
    "top_p=0.8,temperature,entropy_of=filtered",
    "temperature,top_k=5",
    "temperature,min_p=0.1",
    "temperature,top_n_sigma=1",
    "temperature,typical=0.7",
    "top_k=12,temperature,min_p=0.2,entropy_of=filtered",
)


@pytest.mark.parametrize("draw", ["counted", "dist"])
@pytest.mark.parametrize("filters", FILTERS)
def test_filters_in_our_order_leave_what_the_oracle_leaves(switch, filters, draw):
    left = Chain("edt:t0=0.9,theta=0.6", filters=filters, seed=0, draw=draw).apply(LOGITS)
    expected = oracle(LOGITS, "edt:t0=0.9,theta=0.6", filters)
    assert (left.probabilities > 0).tolist() == (expected > 0).tolist()
    assert np.abs(left.probabilities - expected).max() < 1e-6


def test_before_and_behind_top_p_other_tokens_survive():
    first = Chain("edt:t0=0.5,theta=0.6", filters="temperature,top_p=0.9", seed=0).apply(LOGITS)
    last = Chain("edt:t0=0.5,theta=0.6", filters="top_p=0.9,temperature,entropy_of=filtered", seed=0).apply(LOGITS)
    assert set(np.flatnonzero(first.probabilities)) < set(np.flatnonzero(last.probabilities))


def test_at_temperature_0_one_token_has_all_the_probability(switch):
    left = Chain("fixed:temperature=0", seed=0).apply(LOGITS)
    assert left.probabilities.tolist() == left.left["p"].tolist() == np.eye(len(LOGITS))[LOGITS.argmax()].tolist()
    assert left.drawn == LOGITS.argmax()


def test_a_policy_behind_a_filter_reads_what_it_left():
    chain = Chain("fixed:temperature=1", filters="top_k=4,temperature,entropy_of=filtered", seed=0)
    chain.apply(LOGITS)
    assert chain.steps.entropy[0] == pytest.approx(edt.entropy(np.sort(LOGITS)[-4:]), rel=1e-5)


def test_samplers_given_before_stand_before():
    bias = (llama_cpp.llama_logit_bias * 1)(llama_cpp.llama_logit_bias(token=int(LOGITS.argmax()), bias=-math.inf))
    banned = llama_cpp.llama_sampler_init_logit_bias(len(LOGITS), 1, bias)
    chain = Chain("fixed:temperature=0", before=[banned], seed=0)
    assert chain.names == ["logit-bias", "fixed"]
    assert chain.apply(LOGITS).drawn == int(np.argsort(LOGITS)[-2])


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ("top_p=0.9,temperature", "add entropy_of=filtered"),
        ("temperature,top_h=0.4", "got top_h"),
        ("temperature,mirostat=3", "got mirostat"),
    ],
)
def test_what_a_chain_cannot_do_is_refused(filters, told):
    with pytest.raises(ValueError, match=told):
        Chain("edt:t0=0.8,theta=0.2", filters=filters)


def test_an_unknown_draw_is_refused():
    with pytest.raises(ValueError, match="draw must be one of counted, dist, got 'ours'"):
        Chain("edt:t0=0.8,theta=0.2", draw="ours")


@pytest.mark.parametrize(
    "filters", ["temperature,top_p=0.8", "top_p=0.8,temperature,entropy_of=filtered", "top_k=12,temperature,min_p=0.2,entropy_of=filtered"]
)
def test_a_chain_draws_the_tokens_of_draw(switch, filters):
    chain, numbers = Chain("edt:t0=0.9,theta=0.6", filters=filters, seed=6), edt.uniforms(6, 0, 0, 100)
    drawn = [chain.apply(LOGITS).drawn for _ in numbers]
    assert drawn == [edt.draw(LOGITS, "edt:t0=0.9,theta=0.6", uniform=number, filters=filters).token for number in numbers]


@pytest.mark.parametrize("filters", ["temperature,top_n_sigma=1", "temperature,typical=0.7"])
def test_behind_filters_that_llama_cpp_alone_has_fast_it_draws(filters):
    assert Chain("edt:t0=0.9,theta=0.6", filters=filters, seed=0).names[-1] == "dist"
    assert Chain("edt:t0=0.9,theta=0.6", filters="temperature,top_p=0.8", seed=0, draw="dist").names == ["edt", "top-p", "dist"]


def test_the_same_seed_draws_the_same_tokens():
    first, again = ([Chain("fixed:temperature=1", seed=5).apply(LOGITS).drawn] for _ in range(2))
    assert first == again


@pytest.mark.parametrize("draw", ["counted", "dist"])
def test_drawn_tokens_follow_the_oracles_distribution(draw):
    """Chi-square over 8,000 draws at level 1e-4. Its power against a temperature 8% too high is above 0.999, and it rejects it here."""
    policy, draws, level = "edt:t0=1.2,theta=0.5", 8_000, 1e-4
    chain = Chain(policy, seed=11, draw=draw)
    counts = np.bincount([chain.apply(LOGITS).drawn for _ in range(draws)], minlength=len(LOGITS))

    def pooled(column: np.ndarray, by: np.ndarray) -> np.ndarray:
        return np.append(column[by], column[~by].sum())

    temperature = float(edt.temperature(LOGITS, policy))
    right, wrong = (softmax(LOGITS / t) for t in (temperature, 1.08 * temperature))
    common = right * draws >= 10
    observed, expected, other = (pooled(c, common) for c in (counts, right * draws, wrong * draws))
    degrees = len(observed) - 1
    critical = stats.chi2.isf(level, degrees)
    assert stats.ncx2.sf(critical, degrees, ((expected - other) ** 2 / other).sum()) > 0.999
    assert ((observed - expected) ** 2 / expected).sum() < critical < ((observed - other) ** 2 / other).sum()


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 7])
def test_dynatemp_is_llama_cpps_own_dynamic_temperature(exponent, top_k):
    """``temp_ext`` at 0.7 +/- 0.5, behind llama.cpp's own top-k as in its programs."""
    filters = f"top_k={top_k},temperature,entropy_of=filtered" if top_k else "temperature"
    ours = Chain(f"dynatemp:low=0.2,high=1.2,exponent={exponent}", filters=filters, seed=0).apply(LOGITS)
    chain, theirs = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params()), Candidates(LOGITS)
    if top_k:
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_top_k(top_k))
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_temp_ext(0.7, 0.5, exponent))
    llama_cpp.llama_sampler_apply(chain, theirs.array)
    llama_cpp.llama_sampler_free(chain)
    assert np.abs(ours.probabilities - theirs.probabilities).max() < 1e-6
    assert (ours.probabilities > 0).sum() == (top_k or len(LOGITS))


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return weights / weights.sum()
