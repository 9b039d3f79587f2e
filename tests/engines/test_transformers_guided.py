"""What rows remember, foresee and compare, against a plain loop: the model without a cache, NumPy, a row at a time."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from edt_sampling import Filters, policy, uniforms
from edt_sampling.cli import main
from edt_sampling.engines.transformers import TransformersEngine, policy_generate
from edt_sampling.engines.transformers import prompt_entropy as over_prompt
from edt_sampling.engines.transformers.prompt_entropy import prompt_entropy
from edt_sampling.protocol import Completion, Request, Setting

EVIDENCE = "The function adds up what an array holds."
PROMPT, WITHOUT = f"{EVIDENCE} In one word:", " In one word:"
SPECS = (
    "kl-guided:t0=1.2,bandwidth=0.5",
    "instance-edt-prompt:t0=1,theta=0.5",
    "instance-edt-draft:t0=1,theta=0.5",
    "instance-edt-running:t0=1,theta=0.5",
    "udt-margin:t0=1,theta=0.3",
    "udt-varentropy:t0=1,theta=0.3",
    "kl-guided:t0=0.9,bandwidth=0",
    "edt:t0=1,theta=0.5",
)
STEPS = 10


def settings(specs=SPECS, filters="temperature"):
    return tuple(Setting(policy=policy(s), filters=Filters.parse(filters)) for s in specs)


def request(**options) -> Request:
    given = {"id": 7, "prompt": PROMPT, "without": WITHOUT, "settings": settings(), "samples": 2, "seed": 3, "max_new_tokens": STEPS}
    return Request(**(given | options))


def distributions(model, tokens: list[int]) -> np.ndarray:
    """The next-token distribution behind each token, ``[tokens, vocab]``."""
    with torch.inference_mode():
        logits = model(torch.tensor([tokens]), use_cache=False).logits[0].double().numpy()
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def entropy(p: np.ndarray) -> float:
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def greedy_draft(model, tokens: list[int], end: int) -> list[float]:
    found = []
    for _ in range(STEPS):
        p = distributions(model, tokens)[-1]
        found.append(entropy(p))
        tokens = [*tokens, int(p.argmax())]
        if tokens[-1] == end:
            break
    return found


def halved(p: np.ndarray, q: np.ndarray, bandwidth: float) -> float:
    p, q = np.clip(p, 1e-7, 1), np.clip(q, 1e-7, 1)
    return 2 ** -(max(0.0, float((p * (np.log(p) - np.log(q))).sum())) / bandwidth)


def plain_loop(model, tokenizer, setting: int, sample: int, unit: Request) -> tuple[list[int], list[float]]:
    """Tokens and temperatures of a row."""
    prompt, without = (list(tokenizer(text)["input_ids"]) for text in (unit.prompt, unit.without))
    numbers = uniforms(unit.seed, unit.id, sample, STEPS)
    over_prompt = float(np.mean([entropy(p) for p in distributions(model, prompt)[:-1]]))
    drafted = float(np.mean(greedy_draft(model, prompt, tokenizer.eos_token_id)))
    text, temperatures, entropies = [], [], []
    for step in range(STEPS):
        p, q = distributions(model, prompt + text)[-1], distributions(model, without + text)[-1]
        entropies.append(entropy(p))
        first, second = np.sort(p)[::-1][:2]
        spread = float((p * (np.log(p) + entropies[-1]) ** 2).sum())
        temperatures.append(
            [
                1.2 * halved(p, q, 0.5),
                0.8 ** (0.5 / over_prompt),
                0.8 ** (0.5 / drafted),
                0.8 ** (0.5 / np.mean(entropies)),
                0.8 ** (0.3 / (1 - (first - second))),
                0.8 ** (0.3 / spread),
                0.9,
                0.8 ** (0.5 / entropies[-1]),
            ][setting]
        )
        tempered = np.exp(np.log(p / p.max()) / max(temperatures[-1], 1e-4))
        text.append(int(np.argmax(np.cumsum(tempered) >= numbers[step] * tempered.sum())))
        if text[-1] == tokenizer.eos_token_id:
            break
    return text, temperatures


def texts(completions: list[Completion], setting: int) -> list[list[int]]:
    return [c.trace.tokens.tolist() for c in completions if c.setting == setting]


@pytest.mark.parametrize("shared", [True, False])
def test_a_unit_equals_a_plain_loop_over_its_rows(model, tokenizer, shared):
    engine = TransformersEngine(model, tokenizer)
    engine.not_shared = None if shared else "copied for the test"
    unit = request()
    (completions,) = engine.generate([unit])
    for completion in completions:
        tokens, temperatures = plain_loop(model, tokenizer, completion.setting, completion.sample, unit)
        assert completion.trace.tokens.tolist() == tokens
        np.testing.assert_allclose(completion.trace.temperature, temperatures, rtol=2e-2, atol=2e-3)


def test_rows_that_end_at_different_steps_keep_their_own_second_stream(model, tokenizer):
    """One token in 6 ends a text; what is left decodes on as each row would alone."""
    model.generation_config.eos_token_id = list(range(0, 257, 6))
    engine = TransformersEngine(model, tokenizer)
    specs = ("fixed:temperature=1.3", "kl-guided:t0=1.5,bandwidth=9", "instance-edt-running:t0=1.5,theta=0.3")
    unit = request(settings=settings(specs), samples=5)
    (together,) = engine.generate([unit])
    for number in range(len(specs)):
        (alone,) = engine.generate([request(settings=settings(specs[number : number + 1]), samples=5)])
        assert texts(alone, 0) == texts(together, number)
    assert len({len(t) for t in texts(together, 1)}) > 1, "rows should end at different steps"


def test_the_others_go_on_when_all_guided_rows_have_ended(llama, tokenizer):
    """Greedy guided rows meet the end token first; hot rows go on beside a second stream of no rows."""
    engine = TransformersEngine(llama, tokenizer)
    unit = request(settings=settings(("kl-guided:t0=0", "fixed:temperature=2")), samples=6)
    (free,) = engine.generate([unit])
    second = texts(free, 0)[0][1]
    llama.generation_config.eos_token_id = [0, second]
    (found,) = TransformersEngine(llama, tokenizer).generate([unit])
    assert {len(t) for t in texts(found, 0)} == {texts(free, 0)[0].index(second) + 1}
    assert max(len(t) for t in texts(found, 1)) > 4
    (alone,) = TransformersEngine(llama, tokenizer).generate([request(settings=unit.settings[1:], samples=6)])
    assert texts(alone, 0) == texts(found, 1)


def test_narrow_requests_of_which_some_are_guided(model, tokenizer):
    """Prompts and their versions without evidence have different lengths, and are padded on their own."""
    engine = TransformersEngine(model, tokenizer)
    specs = (SPECS[:1], SPECS[7:], SPECS[:1], SPECS[3:5])
    units = [
        request(id=i, prompt=f"{EVIDENCE * i} In a word:", without=" In a word:" * (i + 1), settings=settings(own), samples=1)
        for i, own in enumerate(specs)
    ]
    for unit, completions in zip(units, engine.generate(units), strict=True):
        for completion in completions:
            setting = SPECS.index(str(unit.settings[completion.setting].policy))
            assert completion.trace.tokens.tolist() == plain_loop(model, tokenizer, setting, 0, unit)[0]


def test_a_cache_for_both_streams(llama, tokenizer):
    """A limit that holds two rows of one stream holds one of two; the texts are the same."""
    engine = TransformersEngine(llama, tokenizer)
    unit = request(settings=settings(SPECS[:1]), samples=8)
    (free,) = engine.generate([unit])
    engine.cache_bytes = 1
    with pytest.raises(ValueError, match=r"cache_bytes=1 holds no row of this prompt: it needs at least (\d+)") as error:
        next(engine.generate([unit]))
    engine.cache_bytes = int(re.findall(r"\d+", str(error.value))[-1])
    (tight,) = engine.generate([unit])
    assert texts(tight, 0) == texts(free, 0)


def test_without_its_evidence_given_as_the_whole_prompt_nothing_diverges(llama, tokenizer):
    (found,) = TransformersEngine(llama, tokenizer).generate([request(without=PROMPT, settings=settings(SPECS[:1]))])
    np.testing.assert_allclose([t for c in found for t in c.trace.temperature], 1.2, rtol=1e-5)


def test_teacher_forcing_reads_what_generating_would(model, tokenizer):
    """The temperatures of a text of the row's own, one pass over it."""
    engine = TransformersEngine(model, tokenizer)
    unit = request(prompt=f"{PROMPT} ", without=f"{WITHOUT} ", settings=settings(SPECS), samples=1, seed=11)
    (generated,) = engine.generate([unit])
    for completion in generated:
        tokens = completion.trace.tokens[completion.trace.tokens != 0]
        text = tokenizer.decode(tokens)
        if tokenizer(text)["input_ids"] != tokens.tolist():
            continue
        forced = engine.force(unit, text)
        np.testing.assert_allclose(
            forced.temperature[completion.setting, : len(tokens)], completion.trace.temperature[: len(tokens)], rtol=2e-2, atol=2e-3
        )


def test_a_prompts_entropy_in_chunks(llama, tokenizer, monkeypatch):
    prompt = tokenizer(PROMPT)["input_ids"]
    whole = prompt_entropy(llama, prompt)
    monkeypatch.setattr(over_prompt, "CHUNK", 7)
    assert prompt_entropy(llama, prompt) == pytest.approx(whole, rel=1e-5)
    assert prompt_entropy(llama, prompt[:1]) == pytest.approx(entropy(distributions(llama, prompt[:1])[0]), rel=1e-4)


def test_mirostat_keeps_its_limit_row_by_row(model, tokenizer):
    """Against llama.cpp's loop: tokens of at most mu bits, mu less 0.1 * (surprise - tau) after each."""
    unit = request(settings=settings(("fixed:temperature=1.5", "fixed:temperature=0.8"), "temperature,mirostat=2.5"))
    (completions,) = TransformersEngine(model, tokenizer).generate([unit])
    prompt, cut = list(tokenizer(PROMPT)["input_ids"]), 0
    for completion in completions:
        numbers, mu, text = uniforms(3, 7, completion.sample, STEPS), 5.0, []
        for step in range(len(completion.trace.tokens)):
            p = distributions(model, prompt + text)[-1]
            p = p ** (1 / (1.5, 0.8)[completion.setting])
            p /= p.sum()
            keep = -np.log2(p) <= mu
            keep[p.argmax()] = True
            cut += (~keep).sum() > 0
            p = np.where(keep, p, 0) / p[keep].sum()
            text.append(int(np.argmax(np.cumsum(p) >= numbers[step] * p.sum())))
            mu -= 0.1 * (-math.log2(p[text[-1]]) - 2.5)
        assert completion.trace.tokens.tolist() == text
    assert cut > 0, "mirostat should drop tokens"


@pytest.mark.parametrize("filters", ["temperature", "temperature,mirostat=2.5"])
def test_custom_generate_remembers_alike(llama, tokenizer, filters):
    """The running mean and mirostat's limit in transformers' own loop give the engine's texts."""
    engine = TransformersEngine(llama, tokenizer)
    spec = "instance-edt-running:t0=1.4,theta=0.5"
    (expected,) = engine.generate([request(settings=settings((spec,), filters), samples=3)])
    out = llama.generate(
        **tokenizer([PROMPT], return_tensors="pt"), custom_generate=policy_generate, policy=spec, filters=filters, seed=3, request=7,
        num_return_sequences=3, do_sample=True, max_new_tokens=STEPS,
    )  # fmt: skip
    prompt = len(tokenizer(PROMPT)["input_ids"])
    for row, tokens in zip(out[:, prompt:].tolist(), texts(expected, 0), strict=True):
        assert row[: len(tokens)] == tokens


def test_what_is_missing_is_named(llama, tokenizer, capsys):
    engine = TransformersEngine(llama, tokenizer)
    message = "policy kl-guided needs the prompt without its evidence: give the request's without=, or examples with evidence"
    for call in (lambda r: next(engine.generate([r])), lambda r: engine.force(r, "sum")):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            call(request(without=None))
    with pytest.raises(ValueError, match=r"^without, the prompt without its evidence, must not be empty"):
        request(without="")
    with pytest.raises(ValueError, match="exceed the 256 positions"):
        next(engine.generate([request(without="x" * 250)]))
    assert main(["generate", "Return", "--policy", "kl-guided"]) == 2
    assert "give --evidence" in capsys.readouterr().err


def test_generate_takes_the_evidence_out_of_the_prompt(capsys):
    arguments = ["generate", "Return the sum.\n\nOne-line summary:", "--policy", "kl-guided:t0=1,bandwidth=1", "--max-new-tokens", "6"]
    assert main([*arguments, "--evidence", "Return the sum."]) == 0
    assert "kl-guided" in capsys.readouterr().out
    assert main([*arguments, "--evidence", "Return a sum."]) == 2
    assert "evidence must stand in the prompt word for word" in capsys.readouterr().err
