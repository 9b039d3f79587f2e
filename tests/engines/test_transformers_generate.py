"""The two forms that run inside the user's own ``model.generate``."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from edt_sampling import Filters, draw, policy, temperature
from edt_sampling.engines.transformers import PolicyLogitsProcessor, TransformersEngine, decoding, policy_generate
from edt_sampling.protocol import Request, Setting

EDT = "edt:t0=0.8,theta=0.3"
PROMPTS = ["Return the sum.", "Compute the inverse of a matrix, if it exists."]


@pytest.fixture
def batch(tokenizer):
    tokenizer.padding_side = "left"
    return tokenizer(PROMPTS, return_tensors="pt", padding=True)


def generate(model, batch, **options):
    return model.generate(**batch, max_new_tokens=8, return_dict_in_generate=True, output_scores=True, output_logits=True, **options)


def test_the_processor_divides_by_all_of_the_temperature_and_nothing_else_does(model, batch):
    torch.manual_seed(0)
    out = generate(model, batch, **decoding(model, EDT))
    for logits, scores in zip(out.logits, out.scores, strict=True):
        expected = torch.softmax(logits.double() / temperature(logits, EDT)[:, None], -1)
        torch.testing.assert_close(torch.softmax(scores.double(), -1), expected, rtol=1e-4, atol=1e-6)


def test_the_defaults_of_transformers_do_not_sneak_in(model, batch):
    """257 words, all of them left: no top_k = 50, no second temperature, whatever the model's config says."""
    model.generation_config.update(temperature=0.3, top_k=20, top_p=0.5, do_sample=True)
    with pytest.warns(UserWarning, match=r"sets temperature=0.3, top_k=20, top_p=0.5: ignored, the policy decides alone"):
        options = decoding(model, "fixed:temperature=1")
    out = generate(model, batch, **options)
    assert all(torch.isfinite(scores).all() for scores in out.scores)


def test_filters_of_transformers_run_after_the_temperature(llama, batch):
    out = generate(llama, batch, **decoding(llama, "fixed:temperature=1", top_k=3))
    assert all((torch.isfinite(scores).sum(-1) == 3).all() for scores in out.scores)
    with pytest.raises(ValueError, match=r"filters must be among .*top_k.*, got nucleus"):
        decoding(llama, EDT, nucleus=0.9)


def test_each_row_may_have_its_own_policy(llama, batch):
    out = generate(llama, batch, **decoding(llama, ["fixed:temperature=0", EDT]))
    for logits, scores in zip(out.logits, out.scores, strict=True):
        assert torch.isfinite(scores[0]).sum() == 1
        assert scores[0].argmax() == logits[0].argmax()
        assert torch.isfinite(scores[1]).all()
    with pytest.raises(ValueError, match=r"policies must be one, or one a row: got 3 for 2 rows"):
        generate(llama, batch, **decoding(llama, [EDT] * 3))


def test_the_processor_leaves_masked_tokens_masked():
    scores = torch.tensor([[1.0, -torch.inf, 0.5], [2.0, 1.0, -torch.inf]])
    out = PolicyLogitsProcessor(EDT)(torch.zeros(2, 1, dtype=torch.long), scores)
    assert torch.isneginf(out).tolist() == [[False, True, False], [False, False, True]]
    assert not out.isnan().any()


def test_an_instance_level_processor_keeps_the_first_entropy():
    processor = PolicyLogitsProcessor("instance-edt:t0=1,theta=0.5")
    first, second = torch.randn(2, 3, 40, generator=torch.manual_seed(1)) * 3
    start = processor.temperature(first)
    assert torch.equal(processor.temperature(second), start)
    processor.reset()
    assert not torch.equal(processor.temperature(second), start)


def test_custom_generate_draws_what_the_engine_draws(model, tokenizer, batch):
    """The same keys, the same random numbers: transformers' loop and ours write the same texts."""
    filters = "temperature,top_p=0.9"
    out = generate(model, batch, custom_generate=policy_generate, policy=EDT, filters=filters, seed=5)
    setting = Setting(policy=policy(EDT), filters=Filters.parse(filters))
    requests = [Request(id=i, prompt=p, settings=(setting,), seed=5, max_new_tokens=8) for i, p in enumerate(PROMPTS)]
    prompt = batch["input_ids"].shape[1]
    for row, (completion,) in enumerate(TransformersEngine(model, tokenizer).generate(requests)):
        drawn = completion.trace.tokens.tolist()
        assert out.sequences[row, prompt : prompt + len(drawn)].tolist() == drawn


def test_custom_generate_reads_the_entropy_of_untempered_logits(llama, batch):
    """A temperature and a top-k in the config are taken out before our draw, and named."""
    clean = generate(llama, batch, custom_generate=policy_generate, policy=EDT, seed=1)
    with pytest.warns(UserWarning, match=r"sets temperature=0.2, top_k=5: ignored"):
        other = generate(llama, batch, custom_generate=policy_generate, policy=EDT, seed=1, do_sample=True, temperature=0.2, top_k=5)
    assert torch.equal(clean.sequences, other.sequences)


def test_custom_generate_says_nothing_where_nothing_was_set(llama, batch):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        generate(llama, batch, custom_generate=policy_generate, policy=EDT, do_sample=True)


def test_custom_generate_keeps_penalties(llama, batch):
    """A suppressed token stays suppressed: transformers' own processors run before the draw."""
    greedy = generate(llama, batch, custom_generate=policy_generate, policy="fixed:temperature=0")
    banned = int(greedy.sequences[0, batch["input_ids"].shape[1]])
    out = generate(llama, batch, custom_generate=policy_generate, policy="fixed:temperature=0", suppress_tokens=[banned])
    assert banned not in out.sequences[:, batch["input_ids"].shape[1] :]


def test_a_row_does_not_depend_on_its_neighbours(llama, tokenizer, batch):
    alone = tokenizer(PROMPTS[:1], return_tensors="pt")
    one = generate(llama, alone, custom_generate=policy_generate, policy=EDT, seed=2).sequences[0, alone["input_ids"].shape[1] :]
    both = generate(llama, batch, custom_generate=policy_generate, policy=EDT, seed=2).sequences[0, batch["input_ids"].shape[1] :]
    assert one.tolist() == both[: len(one)].tolist()


def test_the_processor_draws_from_the_right_distribution(llama, batch):
    """What multinomial gets is what the oracle's draw integrates: the same cumulated shares."""
    out = generate(llama, batch, **decoding(llama, EDT))
    shares = torch.softmax(out.scores[0][0].double(), -1).cumsum(-1).numpy()
    logits = out.logits[0][0].double().numpy()
    for u in np.linspace(0.01, 0.99, 37):
        token = int(draw(logits, EDT, uniform=float(u)).token)
        assert shares[token] >= u - 1e-5
        assert token == 0 or shares[token - 1] <= u + 1e-5
