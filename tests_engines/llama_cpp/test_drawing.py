"""The sampler that draws: its tokens are those of ``edt.draw``, however the candidates stand and whichever path computes them."""

import math

import llama_cpp
import numpy as np
import pytest

import edt_sampling as edt
from edt_sampling.engines.llama_cpp import DrawingSampler
from edt_sampling.engines.llama_cpp.candidates import Candidates
from edt_sampling.engines.llama_cpp.counted import AHEAD, RANDOM, Counted
from edt_sampling.sampling import reference

POLICY = "edt:t0=1.2,theta=0.5"
SIZES = (1, 2, 127, 128, 129, 4096, 32_000, 151_936)


def rows(size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(size)
    random = (rng.normal(size=size) * 3).astype(np.float32)
    masked = np.where(rng.random(size) < 0.7, -np.inf, random).astype(np.float32)
    masked[size // 2] = 1
    peaked = np.zeros(size, np.float32)
    peaked[size // 3] = 25
    return {"random": random, "tied": np.round(random), "masked": masked, "peaked": peaked, "far from zero": random + 5000}


class Alone:
    """A sampler that draws, called through llama.cpp without a chain."""

    def __init__(self, *arguments, **options) -> None:
        self.sampler = DrawingSampler(*arguments, **options)
        self.native = self.sampler.native()

    def __call__(self, candidates: Candidates) -> int:
        llama_cpp.llama_sampler_apply(self.native, candidates.array)
        self.sampler.check()
        llama_cpp.llama_sampler_accept(self.native, candidates.drawn)
        return candidates.drawn

    def __del__(self) -> None:
        llama_cpp.llama_sampler_free(self.native)


def shuffled(logits: np.ndarray) -> Candidates:
    candidates = Candidates(logits)
    np.random.default_rng(1).shuffle(candidates.left)
    return candidates


@pytest.mark.parametrize("size", SIZES)
def test_tokens_are_those_of_draw_in_order_and_shuffled(switch, size):
    """Random numbers that are close to 0 and to 1 among them."""
    logits = rows(size)
    numbers = edt.uniforms(3, 5, 7, len(logits))
    in_order, out_of_order = (Alone(POLICY, seed=3, request=5, sample=7) for _ in range(2))
    for row, number in zip(logits.values(), numbers, strict=True):
        expected = edt.draw(row, POLICY, uniform=number)
        candidates = Candidates(row)
        assert in_order(candidates) == out_of_order(shuffled(row)) == expected.token
        assert candidates.left["p"][expected.token] == pytest.approx(expected.probability, rel=1e-6)
        assert candidates.left["logit"].tobytes() == row.tobytes()


@pytest.mark.parametrize("size", SIZES)
def test_entropy_temperature_and_probability_are_the_oracles(switch, size):
    """The draw, too: the oracle's cumulated probability brackets the number to within float32's margin."""
    logits, alone = rows(size), Alone(POLICY, seed=1)
    numbers = edt.uniforms(1, 0, 0, len(logits))
    oracle = [reference.statistics(row[None].astype(np.float64)) for row in logits.values()]
    for row, number, read in zip(logits.values(), numbers, oracle, strict=True):
        candidates = Candidates(row)
        token = alone(candidates)
        temperature = reference.temperature_at(read, reference.mixture([edt.policies.policy(POLICY)]))[0]
        weights = np.exp((row.astype(np.float64) - row.max()) / temperature) if temperature > 1e-4 else (row == row.max()) * 1.0
        share = weights / weights.sum()
        assert share[:token].sum() - 1e-5 < number <= share[: token + 1].sum() + 1e-5
        assert candidates.left["p"][token] == pytest.approx(share[token], rel=1e-4)
    steps = alone.sampler.steps
    assert steps.entropy == pytest.approx(np.concatenate([read.entropy for read in oracle]), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    "filters", ["temperature,top_k=5", "temperature,top_p=0.8", "temperature,min_p=0.1,top_p=0.9", "temperature,top_h=0.5"]
)
def test_filters_behind_the_temperature_are_those_of_draw(switch, filters):
    row = rows(4096)["random"]
    numbers, alone = edt.uniforms(9, 0, 0, 50), Alone(POLICY, filters=filters, seed=9)
    drawn = [alone(shuffled(row)) for _ in numbers]
    assert drawn == [edt.draw(row, POLICY, uniform=number, filters=filters).token for number in numbers]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize("size", [127, 151_936])
def test_behind_llama_cpps_top_k_it_draws_from_what_that_left(switch, size):
    """The few candidates stand sorted by logit then; the draw goes by number, as the oracle's does."""
    row = rows(size)["random"]
    numbers, alone = edt.uniforms(2, 0, 0, 20), Alone(POLICY, seed=2)
    top_k = llama_cpp.llama_sampler_init_top_k(6)
    for number in numbers:
        candidates = Candidates(row)
        llama_cpp.llama_sampler_apply(top_k, candidates.array)
        assert alone(candidates) == edt.draw(row, POLICY, uniform=number, filters="top_k=6,temperature,entropy_of=filtered").token
        assert candidates.array.size == 6
    llama_cpp.llama_sampler_free(top_k)


@pytest.mark.parametrize("policy", ["udt-margin:t0=0.8,theta=0.1", "udt-varentropy:t0=0.8,theta=0.3", "dynatemp:low=0.2,high=1.2"])
def test_statistics_of_every_kind_are_read(switch, policy):
    row = rows(4096)["masked"]
    alone = Alone(policy, seed=0)
    alone(Candidates(row))
    assert alone.sampler.steps.temperature[0] == pytest.approx(edt.temperature(row.astype(np.float64), policy), rel=1e-5)


def test_entropies_of_earlier_steps_are_kept(switch):
    first, second = rows(4096)["random"], rows(128)["random"]
    alone = Alone("instance-edt-running:t0=1,theta=3", seed=0)
    for row in (first, second):
        alone(Candidates(row))
    entropies = [edt.entropy(first), (edt.entropy(first) + edt.entropy(second)) / 2]
    assert alone.sampler.steps.temperature == pytest.approx([0.8 ** (3 / entropy) for entropy in entropies], rel=1e-5)


def test_at_temperature_0_the_first_maximum_by_number_is_taken_wherever_it_stands(switch):
    candidates = Candidates(np.array([3, 3, 3, 0], np.float32))
    candidates.left["id"] = [7, 5, 6, 1]
    assert Alone("fixed:temperature=0", seed=0)(candidates) == 5
    assert candidates.left["p"].tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("logits", "told"),
    [([math.nan, 1.0], "holds NaN"), ([1.0, math.inf], r"holds \+inf"), ([-math.inf, -math.inf], "no token is left")],
)
def test_a_row_without_a_distribution_is_an_error_and_does_not_end_the_process(switch, logits, told):
    """llama.cpp aborts where nothing is selected."""
    sampler, candidates = DrawingSampler(POLICY, seed=0), Candidates(np.array(logits, np.float32))
    native = sampler.native()
    llama_cpp.llama_sampler_apply(native, candidates.array)
    llama_cpp.llama_sampler_free(native)
    assert candidates.array.selected == 0
    with pytest.raises(ValueError, match=told):
        sampler.check()
    assert len(sampler.steps.entropy) == 0


def test_among_no_candidates_none_is_selected(switch):
    sampler, candidates = DrawingSampler(POLICY, seed=0), Candidates(np.empty(0, np.float32))
    candidates.array.selected = 3
    native = sampler.native()
    llama_cpp.llama_sampler_apply(native, candidates.array)
    llama_cpp.llama_sampler_free(native)
    sampler.check()
    assert candidates.array.selected == -1


def test_a_step_that_is_done_again_takes_the_next_number_and_counts_once():
    """Where some tokens are refused, the number that drew one of them would draw from a corner of the others, and skew them."""
    row, alone, drawn = np.zeros(1000, np.float32), Alone("fixed:temperature=1", seed=4), []
    for _ in range(2):
        candidates = Candidates(row)
        llama_cpp.llama_sampler_apply(alone.native, candidates.array)
        drawn.append(candidates.drawn)
    assert drawn == edt.sample(np.stack([row, row]), "fixed:temperature=1", uniform=edt.uniforms(4, 0, 0, 2)).tolist()
    assert drawn[0] != drawn[1]
    assert len(alone.sampler.steps.entropy) == 1


def test_a_reset_draws_the_same_text_again_and_a_clone_goes_on_apart():
    row, alone = np.zeros(1000, np.float32), Alone("fixed:temperature=1", seed=4)
    first = [alone(Candidates(row)) for _ in range(3)]
    clone = llama_cpp.llama_sampler_clone(alone.native)
    fourth = alone(Candidates(row))
    again, candidates = [], Candidates(row)
    llama_cpp.llama_sampler_apply(clone, candidates.array)
    llama_cpp.llama_sampler_free(clone)
    llama_cpp.llama_sampler_reset(alone.native)
    again = [alone(Candidates(row)) for _ in range(3)]
    assert candidates.drawn == fourth
    assert again == first
    assert len(set(first)) > 1


def test_numbers_are_those_of_uniforms_however_many_there_are():
    counted = Counted(seed=1, request=2, sample=3)
    assert [counted.draw() for _ in range(5 * AHEAD)] == edt.uniforms(1, 2, 3, 5 * AHEAD).tolist()


def test_the_random_seed_is_another_one_for_every_text():
    counted = Counted(seed=RANDOM)
    first = counted.draw()
    counted.reset()
    assert counted.draw() != first
    assert Counted(seed=RANDOM).draw() != first


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"filters": "top_p=0.9,temperature,entropy_of=filtered"}, "put llama.cpp's own in front"),
        ({"filters": "temperature,mirostat=3"}, "mirostat draws by itself"),
        ({"seed": -1}, "seed must be from 0"),
        ({"sample": 1 << 32}, "sample must be from 0"),
    ],
)
def test_what_it_cannot_do_is_refused(options, told):
    with pytest.raises(ValueError, match=told):
        DrawingSampler(POLICY, **options)
