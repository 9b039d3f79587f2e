"""The native sampler against the float64 oracle, on llama.cpp's own candidate arrays."""

import gc
import math
import weakref
from dataclasses import dataclass
from typing import ClassVar

import llama_cpp
import numpy as np
import pytest

import edt_sampling as edt
from edt_sampling.engines.llama_cpp import Chain, PolicySampler
from edt_sampling.engines.llama_cpp.candidates import Candidates
from edt_sampling.engines.llama_cpp.sampler import standing
from edt_sampling.policies import Policy

POLICIES = (
    "edt:t0=0.8,theta=0.2",
    "edt:t0=1,theta=2",
    "udt:t0=0.8,theta=0.1",
    "udt-margin:t0=0.8,theta=0.1",
    "udt-varentropy:t0=0.8,theta=0.3",
    "dynatemp:low=0.2,high=1.2",
    "fixed:temperature=0.7",
    "instance-edt:t0=0.8,theta=0.5",
    "instance-edt-running:t0=0.8,theta=0.5",
)


def applied(policy: str | Policy, logits: np.ndarray) -> tuple[Candidates, PolicySampler]:
    """The candidates behind one native sampler, called through llama.cpp."""
    sampler, candidates = PolicySampler(policy), Candidates(logits)
    native = sampler.native()
    llama_cpp.llama_sampler_apply(native, candidates.array)
    llama_cpp.llama_sampler_free(native)
    return candidates, sampler


def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    masked = rng.normal(size=500) * 3
    masked[rng.random(500) < 0.7] = -np.inf
    peaked = np.zeros(100)
    peaked[17] = 30
    return {
        "random": rng.normal(size=4096) * 3,
        "flat": np.zeros(1000),
        "tied": np.repeat([2.0, 1.0, 0.0], [3, 5, 100]),
        "masked": masked,
        "peaked": peaked,
        "far from zero": rng.normal(size=300) + 5000,
        "wide": rng.normal(size=300) * 1000,
        "two": np.array([1.0, -1.0]),
    }


def tempered(logits: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(logits / T) in float64; T = 0 is the first maximum."""
    logits = logits.astype(np.float64)
    if temperature < 1e-4:
        return np.eye(len(logits))[np.argmax(logits)]
    weights = np.exp((logits - logits.max()) / temperature)
    return weights / weights.sum()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", rows())
def test_entropy_temperature_and_probabilities_are_the_oracles(switch, policy, name):
    logits = rows()[name].astype(np.float32)
    candidates, sampler = applied(policy, logits)
    entropy = edt.entropy(logits)
    kept = {} if not policy.startswith("instance") else {"first_entropy": entropy, "running_entropy": entropy}
    temperature = edt.temperature(logits, policy, **kept)
    assert sampler.steps.entropy[0] == pytest.approx(entropy, rel=1e-5, abs=1e-12)
    assert sampler.steps.temperature[0] == pytest.approx(temperature, rel=1e-4, abs=1e-12)
    assert np.abs(candidates.probabilities - tempered(logits, temperature)).max() < 2e-5


def test_a_small_entropy_keeps_its_digits(switch):
    """p of the other token is 1e-9: H = 1e-9 (1 + 9 ln 10) to first order, and 1 - p would be 0 in float32."""
    _, sampler = applied("fixed:temperature=1", np.array([0, -9 * math.log(10)], np.float32))
    assert sampler.steps.entropy[0] == pytest.approx(1e-9 * (1 + 9 * math.log(10)), rel=1e-5)


@pytest.mark.parametrize("temperature", [0, 9e-5])
def test_below_the_coldest_temperature_the_first_maximum_stays_alone(switch, temperature):
    candidates, _ = applied(f"fixed:temperature={temperature}", np.array([0, 3, 3, -np.inf], np.float32))
    assert candidates.left["logit"].tolist() == [-np.inf, 0, -np.inf, -np.inf]


def test_a_masked_token_stays_masked_at_any_temperature(switch):
    candidates, _ = applied("fixed:temperature=1e300", np.array([0, 3, -np.inf], np.float32))
    assert candidates.probabilities.tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize("logits", [[], [5.0], [math.nan, 1.0], [math.inf, 1.0], [-math.inf, -math.inf]], ids=str)
def test_rows_without_a_choice_or_without_a_maximum_are_left_as_they_came(switch, logits):
    given = np.array(logits, np.float32)
    candidates, sampler = applied("edt:t0=0.5,theta=1", given)
    assert candidates.left["logit"].tobytes() == given.tobytes()
    assert np.isnan(sampler.steps.entropy).tolist() == [len(logits) != 1]


def test_order_sorting_and_selection_stay_as_they_were():
    for temperature in (0, 0.5):
        sampler, candidates = PolicySampler(f"fixed:temperature={temperature}"), Candidates(np.array([3, 2, 1], np.float32))
        candidates.left["id"], candidates.array.sorted, candidates.array.selected = [7, 5, 6], True, 2
        native = sampler.native()
        llama_cpp.llama_sampler_apply(native, candidates.array)
        llama_cpp.llama_sampler_free(native)
        assert (candidates.left["id"].tolist(), candidates.array.sorted, candidates.array.selected) == ([7, 5, 6], True, 2)
        assert candidates.left["logit"][0] > candidates.left["logit"][1] >= candidates.left["logit"][2]


def two_steps(policy: str) -> tuple[Chain, np.ndarray, list[float]]:
    chain, logits = Chain(policy, seed=1, draw="dist"), rows()["random"].astype(np.float32).reshape(4, 1024)
    for row in logits[:2]:
        chain.apply(row)
        chain.accept(0)
    return chain, logits, [edt.entropy(row) for row in logits]


def test_the_first_entropy_is_the_first_accepted_steps():
    chain, _, entropies = two_steps("instance-edt:t0=1,theta=3")
    expected = [0.8 ** (3 / entropies[0])] * 2
    assert chain.steps.temperature == pytest.approx(expected, rel=1e-5)


def test_the_running_entropy_is_the_mean_so_far():
    chain, _, (first, second, *_) = two_steps("instance-edt-running:t0=1,theta=3")
    assert chain.steps.temperature == pytest.approx([0.8 ** (3 / first), 0.8 ** (3 / ((first + second) / 2))], rel=1e-5)


def test_a_step_that_is_done_again_counts_once():
    chain, logits, (first, second, _, fourth) = two_steps("instance-edt-running:t0=1,theta=3")
    chain.apply(logits[2])
    chain.apply(logits[3])
    assert chain.steps.entropy == pytest.approx([first, second, fourth], rel=1e-5)
    assert chain.steps.temperature[2] == pytest.approx(0.8 ** (3 / ((first + second + fourth) / 3)), rel=1e-5)


def test_tokens_accepted_before_the_first_step_are_the_prompts():
    chain, row = Chain("instance-edt:t0=1,theta=3", seed=1), rows()["random"].astype(np.float32)
    chain.accept(5)
    chain.apply(row)
    assert len(chain.steps.entropy) == 1


def test_a_reset_begins_another_text():
    chain, logits, entropies = two_steps("instance-edt:t0=1,theta=3")
    chain.reset()
    chain.apply(logits[3])
    assert chain.steps.temperature == pytest.approx([0.8 ** (3 / entropies[3])], rel=1e-5)


def test_a_clone_goes_on_from_where_the_original_is_and_apart_from_it():
    chain, logits, (first, second, third, _) = two_steps("instance-edt-running:t0=1,theta=3")
    clone = llama_cpp.llama_sampler_clone(chain.native)
    candidates = Candidates(logits[2])
    llama_cpp.llama_sampler_apply(clone, candidates.array)
    temperature = 0.8 ** (3 / ((first + second + third) / 3))
    assert candidates.probabilities == pytest.approx(tempered(logits[2], temperature), abs=1e-6)
    llama_cpp.llama_sampler_free(clone)
    assert len(chain.steps.entropy) == 2


def test_a_clone_of_a_step_under_way_may_do_it_again():
    chain, logits, (first, second, _, fourth) = two_steps("instance-edt-running:t0=1,theta=3")
    chain.apply(logits[2])
    clone, candidates = llama_cpp.llama_sampler_clone(chain.native), Candidates(logits[3])
    llama_cpp.llama_sampler_apply(clone, candidates.array)
    llama_cpp.llama_sampler_free(clone)
    temperature = 0.8 ** (3 / ((first + second + fourth) / 3))
    assert candidates.probabilities == pytest.approx(tempered(logits[3], temperature), abs=1e-6)


def test_copied_state_is_the_other_samplers():
    chain, _, _ = two_steps("instance-edt:t0=1,theta=3")
    other = Chain("instance-edt:t0=1,theta=3", seed=1)
    llama_cpp.llama_sampler_copy(*(llama_cpp.llama_sampler_chain_get(c.native, 0) for c in (chain, other)))
    assert other.steps.entropy.tolist() == chain.steps.entropy.tolist()


@dataclass(frozen=True, kw_only=True)
class Undefined(Policy):
    name: ClassVar[str] = "undefined"
    needs: ClassVar[frozenset[str]] = frozenset({"entropy"})

    @staticmethod
    def formula(s, p, xp):
        return s.entropy * xp.nan


@dataclass(frozen=True, kw_only=True)
class Interrupted(Undefined):
    @staticmethod
    def formula(s, p, xp):
        raise KeyboardInterrupt


def test_an_error_does_not_cross_into_c_and_is_raised_once_at_the_next_call():
    logits = np.array([1, 2], np.float32)
    candidates, sampler = applied(Undefined(), logits)
    assert candidates.left["logit"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="policy undefined gave row 0 the temperature NaN"):
        sampler.check()
    sampler.check()
    with pytest.raises(ValueError, match="NaN"):
        Chain(Undefined(), seed=0).apply(logits)


def test_an_interrupt_is_not_lost():
    _, sampler = applied(Interrupted(), np.array([1, 2], np.float32))
    with pytest.raises(KeyboardInterrupt):
        sampler.check()


def test_a_policy_that_reads_what_is_not_kept_is_refused():
    with pytest.raises(ValueError, match=r"policy kl-guided needs kl, which llama.cpp's sampler does not keep"):
        PolicySampler("kl-guided:t0=1,bandwidth=1")


def test_a_thousand_samplers_made_and_freed_leave_nothing_behind():
    gc.collect()
    before, logits, kept = standing(), np.zeros(8, np.float32), []
    for _ in range(1000):
        chain = Chain("edt:t0=0.8,theta=0.2", seed=0)
        chain.apply(logits)
        kept.append(weakref.ref(chain))
        assert standing() == before + 1
        del chain
    gc.collect()
    assert standing() == before
    assert all(found() is None for found in kept)
