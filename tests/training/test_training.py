"""The bundled model's training on a handful of texts: batches, schedule, learning, exact resume, export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from edt_sampling.tasks.example import Example
from edt_sampling.training.batches import batches, collate, encode
from edt_sampling.training.scores import histogram
from edt_sampling.training.tokenizer import END, train_tokenizer
from edt_sampling.training.trainer import Schedule, Trainer, log_to

NOUNS = ("sum", "mean", "maximum", "inverse", "transpose", "norm", "rank", "trace")
EXAMPLES = [
    Example(id=n, prompt=f"Compute the {n} of x.\n\nOne-line summary:", references=(f"Return the {n} of an array.",)) for n in NOUNS
]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([f"{e.prompt} {e.references[0]}" for e in EXAMPLES], vocabulary=300, context=128)


def new_trainer(folder, tokenizer, *, total: int) -> Trainer:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, tie_word_embeddings=True
        )
    )
    texts = encode(EXAMPLES, tokenizer)
    schedule = Schedule(total_tokens=total, batch_tokens=256, warmup_tokens=500)
    return Trainer(model, texts[:6], [texts[6:]], schedule=schedule, folder=folder, compile=False)


def run(trainer: Trainer, tokenizer) -> list[dict[str, float]]:
    reports: list[dict[str, float]] = []
    dev = list(batches(encode(EXAMPLES, tokenizer), tokens=256, prompt_weight=0.0, rng=np.random.default_rng(0)))
    trainer.run(dev=dev, report=reports.append)
    return reports


def test_a_text_is_prompt_answer_end(tokenizer):
    text = encode(EXAMPLES[:1], tokenizer)[0]
    assert tokenizer.decode(text.tokens) == "Compute the sum of x.\n\nOne-line summary: Return the sum of an array." + END
    assert tokenizer.decode(text.tokens[text.answer :]) == " Return the sum of an array." + END


def test_weights_cover_the_prompt_the_answer_and_no_padding(tokenizer):
    texts = encode(EXAMPLES[:3], tokenizer)
    batch = collate(texts, prompt_weight=0.25)
    for row, text in enumerate(texts):
        n = len(text.tokens)
        assert batch.tokens[row, :n].tolist() == text.tokens.tolist()
        assert (batch.weight[row, : text.answer] == 0.25).all()
        assert (batch.weight[row, text.answer : n] == 1).all()
        assert (batch.weight[row, n:] == 0).all()


def test_an_epoch_holds_each_text_once_within_the_token_limit(tokenizer):
    texts = encode(EXAMPLES, tokenizer)
    found = list(batches(texts, tokens=200, prompt_weight=1.0, rng=np.random.default_rng(1)))
    assert all(b.tokens.numel() <= 200 for b in found)
    seen = sorted(tuple(row[w > 0].tolist()) for b in found for row, w in zip(b.tokens, b.weight, strict=True))
    assert seen == sorted(tuple(t.tokens.tolist()) for t in texts)


def test_the_rate_rises_stays_and_falls_to_zero():
    schedule = Schedule(total_tokens=1000, warmup_tokens=100, decay=0.4)
    assert [round(schedule.rate(t), 2) for t in (0, 50, 100, 600, 800, 1000)] == [0.01, 0.51, 1.0, 1.0, 0.5, 0.0]


def test_it_learns_and_goes_on_where_it_stopped(tmp_path, tokenizer):
    """Stopped in the middle of an epoch and resumed by a new process's trainer, it ends with the same weights."""
    whole = new_trainer(tmp_path / "whole", tokenizer, total=20_000)
    reports = run(whole, tokenizer)
    assert reports[-1]["dev_loss"] < 1.0 < np.log(300)

    first = new_trainer(tmp_path / "parts", tokenizer, total=20_000)
    first.schedule = Schedule(total_tokens=7_000, batch_tokens=256, warmup_tokens=500, decay=1e-9)
    whole_rate = whole.schedule.rate
    object.__setattr__(first.schedule, "rate", whole_rate)
    run(first, tokenizer)
    second = new_trainer(tmp_path / "parts", tokenizer, total=20_000)
    assert 7_000 <= second.progress.tokens < 20_000
    run(second, tokenizer)
    assert second.progress.tokens == whole.progress.tokens
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_log_is_json_lines(tmp_path):
    report = log_to(tmp_path / "log.jsonl")
    report({"loss": 1.23456, "tokens": 7})
    assert [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [{"loss": 1.2346, "tokens": 7}]


def test_the_histogram_holds_every_step():
    bins = histogram(np.array([0.0, 0.05, 0.3, 0.99, 1.0, 7.5]))
    assert sum(b["share"] for b in bins) == pytest.approx(1)
    assert bins[0]["share"] == pytest.approx(2 / 6)
    assert bins[-1]["share"] == pytest.approx(1 / 6)
