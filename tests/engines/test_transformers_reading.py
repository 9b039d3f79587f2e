"""Reading a text, against a float64 NumPy softmax of the model's own logits; dropout; memory."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from edt_sampling.engines.decoding import footprint
from edt_sampling.engines.decoding.reading import BEST
from edt_sampling.engines.transformers import TransformersEngine
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting

PROMPT, TEXT = "Return the sum of all elements.", "Sum of array elements"


def gpt2(drop: float) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    drops = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), drop)
    return GPT2LMHeadModel(GPT2Config(vocab_size=257, n_embd=32, n_layer=2, n_head=2, n_positions=256, **drops))


def softmax(model, prompt: list[int], text: list[int]) -> np.ndarray:
    """The distribution before each token, one call of the model a token, without a cache."""
    rows = []
    for at in range(len(text)):
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + text[:at]]), use_cache=False).logits[0, -1].double().numpy()
        weights = np.exp(logits - logits.max())
        rows.append(weights / weights.sum())
    return np.stack(rows)


def test_it_is_what_a_softmax_of_the_logits_gives(model, tokenizer):
    model = model.double()  # so that one pass and many agree
    reading = TransformersEngine(model, tokenizer).read(PROMPT, TEXT)
    text = [*tokenizer(f" {TEXT}")["input_ids"], tokenizer.eos_token_id]
    p = softmax(model, tokenizer(PROMPT)["input_ids"], text)
    order = np.argsort(-p, axis=-1, kind="stable")
    logs = np.log(p)
    entropy = -(p * logs).sum(-1)
    own = p[np.arange(len(text)), text]
    expected = {
        "entropy": entropy,
        "max_probability": p.max(-1),
        "margin": np.sort(p)[:, -1] - np.sort(p)[:, -2],
        "varentropy": (p * (logs + entropy[:, None]) ** 2).sum(-1),
        "probability": own,
        "watched": np.sort(p)[:, : -BEST - 1 : -1],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(reading, name), values, rtol=1e-6, atol=1e-12, err_msg=name)
        assert getattr(reading, name).dtype == np.float64
    assert reading.tokens.tolist() == text
    assert reading.rank.tolist() == (p > own[:, None]).sum(-1).tolist()
    assert (reading.best == order[:, :BEST]).all()


def test_tokens_are_read_as_they_are_and_watched_ones_on_demand(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    whole = engine.read(PROMPT, TEXT)
    stored = np.frombuffer(whole.tokens.astype("<i4").tobytes(), dtype="<i4")[:, None]  # as the store gives it: cannot be written to
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = engine.read(PROMPT, whole.tokens.tolist(), watch=stored)
    assert again.tokens.tolist() == whole.tokens.tolist()
    assert again.watched.shape == (len(whole.tokens), 1)
    np.testing.assert_allclose(again.watched[:, 0], whole.probability, rtol=1e-12)
    assert engine.read(PROMPT, whole.tokens[:3].tolist()).tokens.tolist() == whole.tokens[:3].tolist()


def test_a_drawn_text_reads_as_its_trace_says(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    request = Request(id=1, prompt=PROMPT, settings=(Setting(policy=policy("fixed:temperature=1")),), samples=3, max_new_tokens=12)
    for completion in next(engine.generate([request])):
        reading = engine.read(PROMPT, completion.trace.tokens.tolist())
        np.testing.assert_allclose(reading.entropy, completion.trace.entropy, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(reading.probability, completion.trace.probability, rtol=1e-3, atol=1e-6)


def test_ties_go_to_the_lowest_index(llama, tokenizer):
    """Two words of the same weights: the second is never the best."""
    with torch.no_grad():
        weights = llama.get_output_embeddings().weight
        weights[70] = weights[60]
    reading = TransformersEngine(llama, tokenizer).read(PROMPT, [60, 70, 60])
    place = [list(row) for row in reading.best.tolist()]
    assert all(row.index(60) + 1 == row.index(70) for row in place if 60 in row and 70 in row)
    assert reading.probability[0] > 0


def test_a_small_vocabulary_is_told_of_whole(tokenizer):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=9, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=64, eos_token_id=0, bos_token_id=None,
    )  # fmt: skip

    class Nine:
        chat_template, eos_token_id = None, 0

        def __call__(self, text, **_):
            return {"input_ids": [len(word) % 9 for word in text.split()]}

    reading = TransformersEngine(LlamaForCausalLM(config), Nine()).read("a bc", [1, 2])
    assert reading.best.shape == (2, 9)
    np.testing.assert_allclose(reading.watched.sum(-1), 1)


def test_passes_with_dropout_differ_by_seed_alone(tokenizer):
    engine = TransformersEngine(gpt2(0.1), tokenizer)
    plain = engine.read(PROMPT, TEXT)
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    passes = [engine.read(PROMPT, TEXT, watch=plain.best, dropout=seed) for seed in (1, 2, 1)]
    assert (passes[0].watched == passes[2].watched).all()
    assert not np.allclose(passes[0].watched, passes[1].watched)
    assert not np.allclose(passes[0].watched, plain.watched)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not engine.model.training
    np.testing.assert_array_equal(engine.read(PROMPT, TEXT).watched, plain.watched)


def test_a_probability_that_attention_is_handed_counts_as_dropout(llama, tokenizer):
    """A Llama has no dropout module: its attention has a number."""
    llama.config.attention_dropout = 0.3
    engine = TransformersEngine(LlamaForCausalLM(llama.config), tokenizer)
    one, other = (engine.read(PROMPT, TEXT, dropout=seed) for seed in (1, 2))
    assert not np.allclose(one.entropy, other.entropy)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_model_without_dropout_is_refused_in_one_line(kind, llama, tokenizer):
    engine = TransformersEngine(llama if kind == "llama" else gpt2(0.0), tokenizer)
    with pytest.raises(ValueError, match=r"^dropout: no dropout probability of this model's config is above 0[^\n]*$"):
        engine.read(PROMPT, TEXT, dropout=0)


def test_what_does_not_fit_or_holds_nothing_is_refused(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    with pytest.raises(ValueError, match="exceed the 256 positions"):
        engine.read(PROMPT, "x" * 300)
    with pytest.raises(ValueError, match="text must hold a token"):
        engine.read(PROMPT, [])
    with pytest.raises(ValueError, match=r"watch must be \[tokens, width\] with a row for each of the text's 2 tokens, got shape \(3, 1\)"):
        engine.read(PROMPT, [5, 6], watch=np.array([[1], [2], [3]]))


def test_memory_is_that_of_this_process(llama, tokenizer, monkeypatch):
    found = TransformersEngine(llama, tokenizer).memory()
    assert found is not None
    with open("/proc/self/status", encoding="ascii") as stream:
        resident = next(int(line.split()[1]) * 1024 for line in stream if line.startswith("VmRSS"))
    assert 0.8 * resident < found < 1.25 * resident
    monkeypatch.setattr(footprint, "_STATM", footprint._STATM / "nowhere")
    assert footprint.resident() >= found * 0.9, "the most it ever held"
