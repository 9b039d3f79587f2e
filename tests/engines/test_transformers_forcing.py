"""Teacher forcing against a plain loop: the model without a cache, float64 NumPy, no code of ours but the policies' strings."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

from edt_sampling import Filters, policy
from edt_sampling.engines.transformers import TransformersEngine, load
from edt_sampling.protocol import Request, Setting

PROMPT = "Return the sum of all elements."
TEXT = "Sum of array elements over a given axis"
FORMULAS = {
    "fixed:temperature=0.7": lambda h, h1, p, n: 0.7,
    "fixed:temperature=0": lambda h, h1, p, n: 0.0,
    "edt:t0=0.9,theta=0.5": lambda h, h1, p, n: 0.9 * 0.8 ** (0.5 / h),
    "instance-edt:t0=1.1,theta=0.5": lambda h, h1, p, n: 1.1 * 0.8 ** (0.5 / h1),
    "udt:t0=1,theta=0.3": lambda h, h1, p, n: 0.8 ** (0.3 / (1 - p)),
    "dynatemp:low=0.2,high=1.2": lambda h, h1, p, n: 0.2 + h / math.log(n),
}
SPECS = tuple(FORMULAS)
DOCSTRING = """Return the cumulative sum of the elements along a given axis.

Parameters
----------
a : array_like
    Input array.

One-line summary:"""


def request(prompt=PROMPT, specs=SPECS, filters="temperature,top_p=0.95", **options) -> Request:
    chosen = tuple(Setting(policy=policy(s), filters=Filters.parse(filters)) for s in specs)
    return Request(id=0, prompt=prompt, settings=chosen, **options)


def distribution(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def entropy(p: np.ndarray) -> float:
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def plain_loop(model, prompt: list[int], text: list[int], left=lambda logits: logits) -> list[np.ndarray]:
    """Entropy read, temperature, tempered entropy and NLL, ``[settings, tokens]``; ``left`` masks what filters drop before reading."""
    found = np.empty((4, len(SPECS), len(text)))
    first = math.nan
    for at, token in enumerate(text):
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + text[:at]]), use_cache=False).logits[0, -1].double().numpy()
        p = distribution(left(logits))
        h, top, n = entropy(p), p.max(), int((p > 0).sum())
        first = h if at == 0 else first
        for row, formula in enumerate(FORMULAS.values()):
            t = formula(h, first, top, n)
            scaled = (logits - logits.max()) / max(t, 1e-4)
            nll = math.log(np.exp(scaled).sum()) - scaled[token]
            found[:, row, at] = h, t, entropy(distribution(scaled)), nll
    return list(found)


def assert_close(forced, expected, rtol=1e-5):
    for name, column in zip(("entropy", "temperature", "tempered_entropy", "nll"), expected, strict=True):
        np.testing.assert_allclose(getattr(forced, name), column, rtol=rtol, atol=1e-5, err_msg=name)
        assert getattr(forced, name).dtype == np.float64


@pytest.fixture(scope="module")
def bundled() -> TransformersEngine:
    return load()


@pytest.fixture
def tamed(model):
    """float64, so that one pass and many agree to 1e-5 whatever a policy makes of their difference."""
    return model.double()


def test_it_equals_a_plain_loop(tamed, tokenizer):
    forced = TransformersEngine(tamed, tokenizer).force(request(), TEXT)
    prompt, text = tokenizer(PROMPT)["input_ids"], [*tokenizer(f" {TEXT}")["input_ids"], tokenizer.eos_token_id]
    assert forced.tokens.tolist() == text
    expected = plain_loop(tamed, prompt, text)
    assert_close(forced, expected)
    greedy = SPECS.index("fixed:temperature=0")
    assert expected[3][greedy].max() > 1000
    assert np.isfinite(forced.nll).all()


def test_settings_with_different_filters_are_read_apart(tamed, tokenizer):
    """The policy reads what the filters before the temperature leave; the likelihood is of the whole distribution."""

    def top_9(logits):
        return np.where(logits >= np.sort(logits)[-9], logits, -np.inf)

    after, before = request(), request(filters="top_k=9,temperature,entropy_of=filtered")
    mixed = Request(id=0, prompt=PROMPT, settings=tuple(s for pair in zip(after.settings, before.settings, strict=True) for s in pair))
    forced = TransformersEngine(tamed, tokenizer).force(mixed, TEXT)
    prompt, text = tokenizer(PROMPT)["input_ids"], forced.tokens.tolist()
    for start, left in ((0, lambda logits: logits), (1, top_9)):
        columns = {name: getattr(forced, name)[start::2] for name in ("entropy", "temperature", "tempered_entropy", "nll")}
        assert_close(type(forced)(tokens=forced.tokens, **columns), plain_loop(tamed, prompt, text, left))


def test_the_models_own_precision_is_the_only_difference(model, tokenizer):
    """float32, as engines run: the same numbers to what one pass and many of float32 agree to."""
    forced = TransformersEngine(model, tokenizer).force(request(), TEXT)
    expected = plain_loop(model, tokenizer(PROMPT)["input_ids"], forced.tokens.tolist())
    assert_close(forced, expected, rtol=2e-3)


def test_one_pass_serves_all_settings(llama, tokenizer, monkeypatch):
    engine = TransformersEngine(llama, tokenizer)
    passes, forward = [], llama.forward
    monkeypatch.setattr(llama, "forward", lambda *args, **options: passes.append(1) or forward(*args, **options))
    engine.force(request(), TEXT)
    assert len(passes) == 1


@pytest.mark.parametrize("filters", ["temperature,top_p=0.95", "top_p=0.8,temperature,entropy_of=filtered"])
def test_a_completion_forced_gives_its_trace(bundled, filters):
    """Of the bundled model's texts that ended by themselves and tokenise back to what was drawn: most do."""
    unit = request(DOCSTRING, filters=filters, specs=SPECS[2:], samples=5, seed=1, max_new_tokens=48)
    (completions,) = bundled.generate([unit])
    forced = [(c, bundled.force(unit, c.text)) for c in completions if c.finish == "end"]
    same = [(c, f) for c, f in forced if f.tokens.tolist() == c.trace.tokens.tolist()]
    assert len(same) >= 5
    for c, f in same:
        np.testing.assert_allclose(f.entropy[c.setting], c.trace.entropy, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(f.temperature[c.setting], c.trace.temperature, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("prompt", "text", "tokenised"),
    [
        ("a b.", "c d", " c d"),
        ("a b.", " c d", " c d"),
        ("a b.", "\nc", "\nc"),
        ("a b. ", "c d", "c d"),
        ("a b.\n", "c", "c"),
        ("a b.", "", ""),
    ],
)
def test_a_space_goes_between_prompt_and_text_unless_there_is_one(llama, tokenizer, prompt, text, tokenised):
    forced = TransformersEngine(llama, tokenizer).force(request(prompt), text)
    assert tokenizer.decode(forced.tokens) == f"{tokenised}<|end|>"


def test_a_tokenizer_that_adds_a_space_of_its_own_adds_none(llama):
    """As Llama 2's: it puts a word's mark before any text, so that a continuation tokenised alone would begin with two."""
    vocab = {token: i for i, token in enumerate(["<|end|>", "▁", *"abc."])}
    inner = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|end|>")
    forced = TransformersEngine(llama, tokenizer).force(request("a b."), "b c")
    assert tokenizer.convert_ids_to_tokens(forced.tokens.tolist()) == ["▁", "b", "▁", "c", "<|end|>"]


def test_after_a_chat_template_comes_the_text_as_it_is(tamed, tokenizer):
    template = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}"
    tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, eos_token=tokenizer.eos_token, chat_template=template)
    expected = plain_loop(tamed, tokenizer("<user>hello<bot>")["input_ids"], text := [*tokenizer(TEXT)["input_ids"], 0])
    messages = TransformersEngine(tamed, tokenizer).force(request([{"role": "user", "content": "hello"}]), TEXT)
    wrapped = TransformersEngine(tamed, tokenizer, chat=True).force(request("hello"), TEXT)
    for forced in (messages, wrapped):
        assert forced.tokens.tolist() == text
        assert_close(forced, expected)


def test_a_model_with_windows(tokenizer):
    """Prompt and text are several windows long."""
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=257, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=256, sliding_window=8, eos_token_id=0, bos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    model = MistralForCausalLM(config).double().eval()
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(20)
    forced = TransformersEngine(model, tokenizer).force(request(), TEXT)
    assert_close(forced, plain_loop(model, tokenizer(PROMPT)["input_ids"], forced.tokens.tolist()))


def test_prompt_and_text_together_fill_the_models_positions_and_no_more(llama, tokenizer):
    """256 positions; ``max_new_tokens`` does not count, the space and the end token do."""
    engine = TransformersEngine(llama, tokenizer)
    assert len(engine.force(request("x" * 200, max_new_tokens=250), "y" * 54).tokens) == 56
    with pytest.raises(ValueError, match=r"^prompt of 200 tokens and text of 57 tokens exceed the 256 positions of 'model': shorten one"):
        engine.force(request("x" * 200), "y" * 55)


def test_a_text_without_a_token_is_refused(llama, tokenizer):
    tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer)
    with pytest.raises(ValueError, match=r"^text '' holds no token$"):
        TransformersEngine(llama, tokenizer).force(request(), "")
    assert len(TransformersEngine(llama, tokenizer).force(request("a "), "b").tokens) == 1


def test_policies_that_need_what_only_generating_keeps_are_refused_by_name(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    with pytest.raises(ValueError, match=r"^policy scheduled needs scheduled, which teacher forcing does not keep$"):
        engine.force(request(specs=["scheduled"], schedules={0: np.zeros((1, 64))}), TEXT)
    with pytest.raises(ValueError, match="no chat template"):
        engine.force(request([{"role": "user", "content": "hello"}]), TEXT)
