"""The processor and the sampler in mlx-lm's own loops, on the bundled model."""

from __future__ import annotations

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.sample_utils import make_logits_processors, make_sampler

from edt_sampling import policy
from edt_sampling.engines.mlx import PolicyLogitsProcessor, PolicySampler, decoding
from edt_sampling.engines.mlx.loading import read_model
from edt_sampling.sampling import Filters, reference

mx.disable_compile()  # compiling takes longer than these tests
PROMPT = "Return the sum of all elements."
STEPS = 6


@pytest.fixture(scope="module")
def loaded():
    return read_model(dtype="float32")


@pytest.fixture(scope="module")
def prompt(loaded):
    return loaded[1].encode(PROMPT)


def written(model, prompt, **options) -> list[int]:
    return [token for token, _ in generate_step(mx.array(prompt), model, max_tokens=STEPS, **options)]


def raw_logits(model, tokens: list[int]) -> np.ndarray:
    return np.array(model(mx.array(tokens)[None])[:, -1])


class Noted(PolicyLogitsProcessor):
    """Takes down the temperature of every step."""

    def __init__(self, spec: str) -> None:
        super().__init__(spec)
        self.seen: list[float] = []

    def __call__(self, tokens, logits):
        found = super().__call__(tokens, logits)
        self.seen.append(self.rows.temperature.item())
        return found


@pytest.mark.parametrize("spec", ["edt:t0=0.9,theta=0.5", "instance-edt:t0=1,theta=0.5", "instance-edt-running:t0=1,theta=0.5"])
def test_every_step_gets_the_oracles_temperature(loaded, prompt, spec):
    """Read by the model without a cache, a step at a time, in float64; 'first' and 'running' entropies by their definitions."""
    model, tokens, entropies = loaded[0], list(prompt), []
    processor = Noted(spec)
    text = written(model, prompt, logits_processors=[processor], sampler=make_sampler(temp=1.0))
    for step, token in enumerate(text):
        logits = raw_logits(model, tokens)
        entropies.append(reference.statistics(logits).entropy)
        kept = {"first_entropy": entropies[0], "running_entropy": np.mean(entropies, axis=0)}
        expected = reference.temperature(logits, reference.mixture([policy(spec)]), **kept)
        assert processor.seen[step] == pytest.approx(expected[0], rel=1e-4)
        tokens.append(token)
    assert np.ptp(processor.seen) > 0 or spec.startswith("instance-edt:")


def test_a_cold_policy_writes_mlx_lms_greedy_text(loaded, prompt):
    greedy = written(loaded[0], prompt)
    assert written(loaded[0], prompt, **decoding("fixed:temperature=0")) == greedy
    assert written(loaded[0], prompt, sampler=PolicySampler("fixed:temperature=0")) == greedy
    assert written(loaded[0], prompt, **decoding("edt:t0=1,theta=1e9", top_p=0.9)) == greedy


def test_theta_0_is_mlx_lms_own_temperature(loaded, prompt):
    """The same seed draws the same text: the processor's T ahead of the draw, make_sampler's T within it."""
    mx.random.seed(11)
    own = written(loaded[0], prompt, sampler=make_sampler(temp=0.8))
    mx.random.seed(11)
    assert written(loaded[0], prompt, **decoding("edt:t0=0.8,theta=0")) == own


def survivors(options, logits: mx.array) -> set[int]:
    """What 300 draws of one row find."""
    for processor in options["logits_processors"]:
        logits = processor(mx.array([0]), logits)
    rows = mx.broadcast_to(logits - mx.logsumexp(logits), (300, logits.shape[-1]))
    mx.random.seed(0)
    return set(np.array(options["sampler"](rows)).tolist())


def test_top_p_sees_the_tempered_distribution_and_mlx_lms_own_order_does_not():
    """p = .4 .3 .15 .1 .05: at T = 2 top-p 0.65 needs three tokens; truncated before the temperature, two."""
    logits = mx.log(mx.array([[0.4, 0.3, 0.15, 0.1, 0.05]]))
    assert survivors(decoding("fixed:temperature=2", top_p=0.65), logits) == {0, 1, 2}
    own = {"logits_processors": [], "sampler": make_sampler(temp=2.0, top_p=0.65)}
    assert survivors(own, logits) == {0, 1}
    for filters, left in (("top_p=0.65", {0, 1, 2}), ("top_p=0.65,temperature", {0, 1})):
        sampler = PolicySampler("fixed:temperature=2", filters=filters, seed=0)
        assert survivors({"logits_processors": [], "sampler": sampler}, logits) == left


def test_penalties_come_first_where_they_are_listed_first(loaded, prompt):
    """A bias that leaves one token: EDT reads an entropy of 0 there, and that token is drawn."""
    processors = make_logits_processors(logit_bias={7: 1e4})
    options = decoding("edt:t0=1,theta=0.2", processors=processors)
    assert written(loaded[0], prompt, **options) == [7] * STEPS
    assert options["logits_processors"][-1].rows.entropy.item() == 0


def batch(model, prompts, **options) -> dict[int, list[int]]:
    generator = BatchGenerator(model, max_tokens=STEPS)
    uids = generator.insert(prompts, **options)
    found: dict[int, list[int]] = {uid: [] for uid in uids}
    while responses := generator.next_generated():
        for response in responses:
            found[response.uid].append(response.token)
    generator.close()
    return found


def test_each_request_of_a_batch_has_a_policy_of_its_own(loaded, prompt):
    """Its text is the one that it writes alone, whatever its neighbours are: its sampler's numbers are its own."""
    specs = ["edt:t0=1,theta=0.3", "fixed:temperature=0", "instance-edt-running:t0=1,theta=0.5"]
    prompts = [prompt, prompt[:3], prompt[:5]]
    together = batch(loaded[0], prompts, samplers=[PolicySampler(spec, seed=seed) for seed, spec in enumerate(specs)])
    for seed, (spec, own) in enumerate(zip(specs, prompts, strict=True)):
        (alone,) = batch(loaded[0], [own], samplers=[PolicySampler(spec, seed=seed)]).values()
        assert list(together.values())[seed] == alone
    assert len({tuple(text) for text in together.values()}) == 3


def test_processors_of_a_batch_are_per_request_too(loaded, prompt):
    texts = batch(
        loaded[0],
        [prompt, prompt],
        logits_processors=[[PolicyLogitsProcessor("fixed:temperature=0")], []],
        samplers=[make_sampler(temp=1.0)] * 2,
    )
    assert next(iter(texts.values())) == written(loaded[0], prompt)


def test_one_policy_a_row():
    logits = mx.array(np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32))
    sampler = PolicySampler(["fixed:temperature=0", "fixed:temperature=1"], seed=0)
    assert sampler(logits)[0].item() == int(np.array(logits)[0].argmax())
    np.testing.assert_allclose(np.array(sampler.rows.temperature), [0, 1])


def test_a_sampler_with_a_seed_repeats_itself_and_leaves_mlxs_numbers_alone():
    rows = mx.zeros((64, 100))
    mx.random.seed(5)
    first, after = PolicySampler("fixed:temperature=1", seed=4), mx.random.uniform(shape=(3,)).tolist()
    a, b = np.array(first(rows)), np.array(first(rows))
    mx.random.seed(5)
    assert (np.array(PolicySampler("fixed:temperature=1", seed=4)(rows)) == a).all()
    assert mx.random.uniform(shape=(3,)).tolist() == after
    assert (a != b).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PolicySampler("kl-guided:t0=1,bandwidth=1"), r"^policy kl-guided needs kl, which the MLX sampler does not keep$"),
        (lambda: PolicyLogitsProcessor("scheduled"), r"^policy scheduled needs scheduled, which the MLX logits processor does not keep$"),
        (
            lambda: PolicySampler("edt:t0=1,theta=1", filters="typical=0.9"),
            r"^filters: the MLX sampler has top_k, top_p, min_p, got typical=0.9",
        ),
        (lambda: PolicySampler([]), r"^policies must hold at least one policy, got an empty list$"),
        (lambda: decoding("edt:t0=1,theta=1", temp=0.7), r"^filters must be among .*, got temp: the policy is the temperature$"),
        (lambda: decoding("edt:t0=1,theta=1", topp=0.7), r"^filters must be among top_p, .*, got topp$"),
        (lambda: PolicySampler(["edt:t0=1,theta=1"] * 2)(mx.zeros((3, 4))), r"^policies must be one, or one a row: got 2 for 3 rows$"),
        (
            lambda: PolicySampler("instance-edt:t0=1,theta=1")(mx.zeros((2, 4))),
            r"^policy instance-edt remembers its text, .* got 2: give each",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_filters_are_read_as_objects_too():
    assert PolicySampler("edt:t0=1,theta=1", filters=Filters.parse("top_k=3")).rows.filters == Filters.parse("top_k=3")
