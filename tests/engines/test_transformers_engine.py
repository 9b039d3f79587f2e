"""The engine against a plain loop: one row, no cache, the oracle's draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from edt_sampling import Filters, draw, policy, uniforms
from edt_sampling.engines.decoding import loop
from edt_sampling.engines.transformers import TransformersEngine
from edt_sampling.policies import Policy
from edt_sampling.protocol import Completion, Request, Setting

SPECS = ("fixed:temperature=0", "fixed:temperature=1", "edt:t0=0.8,theta=0.2", "edt:t0=1,theta=2", "dynatemp:low=0.2,high=1.2",
         "instance-edt:t0=1,theta=0.5", "udt:t0=1,theta=0.2")  # fmt: skip


def settings(filters: str = "temperature,top_p=0.95", specs=SPECS) -> tuple[Setting, ...]:
    return tuple(Setting(policy=policy(s), filters=Filters.parse(filters)) for s in specs)


def request(prompt: str = "Return the sum of all elements.", **options) -> Request:
    return Request(**({"id": 7, "prompt": prompt, "settings": settings(), "samples": 2, "seed": 3, "max_new_tokens": 12} | options))


def plain_loop(model, tokenizer, request: Request, setting: int, sample: int) -> tuple[list[int], list[float], list[float]]:
    """Tokens, entropies and temperatures of one row: the whole text through the model at every step, NumPy's draw."""
    tokens = list(tokenizer(request.prompt)["input_ids"])
    prompt, first, entropies, temperatures = len(tokens), None, [], []
    numbers = uniforms(request.seed, request.id, sample, request.max_new_tokens)
    for step in range(request.max_new_tokens):
        with torch.inference_mode():
            logits = model(torch.tensor([tokens])).logits[0, -1].double().numpy()
        shifted = np.exp(logits - logits.max())
        p = shifted / shifted.sum()
        first = first if first is not None else float(-(p * np.log(np.where(p > 0, p, 1))).sum())
        chosen = request.settings[setting]
        drawn = draw(logits, chosen.policy, uniform=float(numbers[step]), filters=chosen.filters, first_entropy=first)
        tokens.append(int(drawn.token))
        entropies.append(float(drawn.entropy))
        temperatures.append(float(drawn.temperature))
        if tokens[-1] == tokenizer.eos_token_id:
            break
    return tokens[prompt:], entropies, temperatures


def texts(completions: list[Completion]) -> list[list[int]]:
    return [c.trace.tokens.tolist() for c in completions]


@pytest.mark.parametrize("shared", [True, False])
def test_a_unit_equals_a_plain_loop_over_its_rows(model, tokenizer, shared):
    engine = TransformersEngine(model, tokenizer)
    assert engine.not_shared is None
    engine.not_shared = None if shared else "copied for the test"
    unit = request()
    (completions,) = engine.generate([unit])
    assert [(c.setting, c.sample) for c in completions] == [(s, k) for s in range(len(SPECS)) for k in range(2)]
    for completion in completions:
        tokens, entropies, temperatures = plain_loop(model, tokenizer, unit, completion.setting, completion.sample)
        assert completion.trace.tokens.tolist() == tokens
        np.testing.assert_allclose(completion.trace.entropy, entropies, rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(completion.trace.temperature, temperatures, rtol=2e-2, atol=2e-3)


def test_left_padding_leaves_positions_right(model, tokenizer):
    """Narrow requests of different lengths decode together as each would alone."""
    engine = TransformersEngine(model, tokenizer)
    requests = [
        request("Sum." + " and more" * n, id=n, settings=settings(specs=SPECS[1:3]), samples=1, max_new_tokens=10) for n in (0, 3, 9, 1)
    ]
    for unit, completions in zip(requests, engine.generate(requests), strict=True):
        for completion in completions:
            assert completion.request == unit.id
            assert completion.trace.tokens.tolist() == plain_loop(model, tokenizer, unit, completion.setting, 0)[0]


def test_rows_that_ended_do_not_disturb_the_others(model, tokenizer, monkeypatch):
    """With a likely end token rows end at different steps; moving the others together changes none of them."""
    with torch.no_grad():
        model.get_output_embeddings().weight[0] *= 1.3
    engine = TransformersEngine(model, tokenizer)
    unit = request(settings=settings("temperature", specs=SPECS[1:]), samples=6, max_new_tokens=20)
    (moved,) = engine.generate([unit])
    monkeypatch.setattr(loop, "COMPACT_SHARE", 0)  # 0 * ended >= live never holds
    (kept,) = engine.generate([unit])
    assert texts(moved) == texts(kept)
    for c in moved:
        ends = [i for i, t in enumerate(c.trace.tokens.tolist()) if t == 0]
        assert (c.finish == "end") == bool(ends)
        assert not ends or ends == [len(c.trace.tokens) - 1]
        assert c.finish == "end" or len(c.trace.tokens) == 20


def test_the_cache_limit_splits_rows_and_changes_no_text(model, tokenizer):
    unit = request()
    (whole,) = TransformersEngine(model, tokenizer).generate([unit])
    (split,) = TransformersEngine(model, tokenizer, cache_bytes=150_000).generate([unit])
    assert texts(whole) == texts(split)
    with pytest.raises(ValueError, match=r"cache_bytes=1000 holds no row of this prompt: it needs at least \d+"):
        list(TransformersEngine(model, tokenizer, cache_bytes=1000).generate([unit]))


def test_settings_may_differ_in_filters(llama, tokenizer):
    mixed = tuple(
        Setting(policy=policy("fixed:temperature=1.2"), filters=Filters.parse(f)) for f in ("none", "top_k=1", "min_p=0.9", "top_p=0.01")
    )
    unit = request(settings=mixed, samples=3)
    (completions,) = TransformersEngine(llama, tokenizer).generate([unit])
    for c in completions:
        assert c.trace.tokens.tolist() == plain_loop(llama, tokenizer, unit, c.setting, c.sample)[0]


def test_a_stop_string_ends_the_text_and_is_not_part_of_it(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    unit = request(settings=settings(specs=["fixed:temperature=1.5"]), samples=4, max_new_tokens=24)
    (free,) = engine.generate([unit])
    source = max(free, key=lambda c: len(c.text)).text
    stop = next(source[i : i + 2] for i in range(4, len(source)) if "\ufffd" not in source[i : i + 2])
    (stopped,) = engine.generate([request(**{**unit.__dict__, "stop": (stop,)})])
    assert any(c.finish == "stop" for c in stopped)
    for before, after in zip(free, stopped, strict=True):
        assert stop not in after.text
        assert after.text == before.text.partition(stop)[0]
        assert (after.finish == "stop") == (stop in before.text)


def test_an_instance_level_policy_keeps_the_first_temperature(model, tokenizer):
    (completions,) = TransformersEngine(model, tokenizer).generate([request(settings=settings(specs=["instance-edt:t0=1,theta=0.5"]))])
    for c in completions:
        assert np.ptp(c.trace.temperature) == 0
        assert np.ptp(c.trace.entropy) > 0


def test_the_first_entropy_is_that_of_the_distribution_the_policy_reads(llama, tokenizer):
    """With entropy_of=filtered, the first temperature is the formula's at the entropy in the trace."""
    filtered = "top_p=0.6,temperature,entropy_of=filtered"
    (completions,) = TransformersEngine(llama, tokenizer).generate(
        [request(settings=settings(filtered, ["instance-edt:t0=1,theta=0.5", "edt:t0=1,theta=0.5"]), samples=1)]
    )
    instance, token_level = (c.trace for c in completions)
    assert instance.entropy[0] == token_level.entropy[0]
    assert instance.temperature[0] == token_level.temperature[0]


def test_settings_are_paired_by_their_random_numbers(llama, tokenizer):
    """The same policy twice in one unit draws the same texts."""
    (completions,) = TransformersEngine(llama, tokenizer).generate([request(settings=settings(specs=[SPECS[1], SPECS[1]]), samples=5)])
    assert texts(completions[:5]) == texts(completions[5:])
    assert len({tuple(t) for t in texts(completions[:5])}) > 1


def test_prompts_that_cannot_run_are_refused_before_anything_runs(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    with pytest.raises(ValueError, match=r"prompt of 250 tokens and max_new_tokens=12 exceed the 256 positions"):
        engine.check(request("x" * 250))
    with pytest.raises(ValueError, match="no chat template"):
        engine.check(request([{"role": "user", "content": "hello"}]))
    with pytest.raises(ValueError, match="no chat template"):
        TransformersEngine(llama, tokenizer, chat=True)


def test_a_policy_that_needs_what_the_engine_does_not_keep_is_refused_by_name(llama, tokenizer):
    @dataclass(frozen=True, kw_only=True)
    class Moody(Policy):
        name: ClassVar[str] = "moody"
        needs: ClassVar[frozenset[str]] = frozenset({"mood"})

        @staticmethod
        def formula(s, p, xp):
            return s.mood

    with pytest.raises(ValueError, match="policy moody needs mood, which this engine does not keep"):
        next(TransformersEngine(llama, tokenizer).generate([request(settings=(Setting(policy=Moody()),))]))


def test_chat_messages_go_through_the_template(llama, tokenizer):
    template = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}"
    tokenizer = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer, eos_token=tokenizer.eos_token, chat_template=template)
    by_hand = request("<user>hello<bot>")
    (plain,) = TransformersEngine(llama, tokenizer).generate([by_hand])
    (messages,) = TransformersEngine(llama, tokenizer).generate([request([{"role": "user", "content": "hello"}])])
    (wrapped,) = TransformersEngine(llama, tokenizer, chat=True).generate([request("hello")])
    assert texts(plain) == texts(messages) == texts(wrapped)


def test_pieces_add_up_to_the_text(llama, tokenizer):
    engine = TransformersEngine(llama, tokenizer)
    tokens = tokenizer("Größe 数 ✓ plain")["input_ids"]
    pieces = engine.pieces(tokens)
    assert len(pieces) == len(tokens)
    assert "".join(pieces) == "Größe 数 ✓ plain"
    assert "数" in pieces


def test_what_the_generation_config_sets_is_named(llama, tokenizer):
    llama.generation_config.temperature, llama.generation_config.top_p = 0.7, 0.8
    with pytest.warns(UserWarning, match=r"sets temperature=0.7, top_p=0.8: ignored, the policy of each request decides alone"):
        TransformersEngine(llama, tokenizer)


def test_a_model_with_windows_gets_copies(tokenizer):
    """A sliding window forgets the prefix, so it cannot be shared; the engine says so and still decodes right."""
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=257, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=256, sliding_window=8, eos_token_id=0, bos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    model = MistralForCausalLM(config).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(20)
    engine = TransformersEngine(model, tokenizer)
    assert engine.describe()["prefix"].startswith("copied: ")
    unit = request(settings=settings(specs=SPECS[:4]))
    (completions,) = engine.generate([unit])
    for c in completions:
        assert c.trace.tokens.tolist() == plain_loop(model, tokenizer, unit, c.setting, c.sample)[0]
