"""What the bundled model can do, measured on the frozen examples: the numbers of its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from edt_sampling.engines.transformers import TransformersEngine
from edt_sampling.metrics.rouge_l import RougeL
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import Filters
from edt_sampling.tasks.example import Example
from edt_sampling.training.batches import Text, encode

EDGES = (0.0, 0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, float("inf"))
"""Bounds of the entropy histogram's bins, nats."""


@dataclass(frozen=True)
class Teacher:
    """The model on references: nats a token, the share of tokens it ranks first, and H at each token (nats)."""

    nats: float
    top_1: float
    entropy: np.ndarray


@torch.inference_mode()
def teacher_forced(engine: TransformersEngine, examples: Sequence[Example]) -> Teacher:
    """Every answer token, its end included, given the prompt and the answer before it."""
    nats, hits, entropies = [], [], []
    for text in encode(examples, engine.tokenizer):
        logs = torch.log_softmax(_answer_logits(engine, text).double(), -1)
        answer = torch.from_numpy(text.tokens[text.answer :].astype(np.int64))
        nats.append(-logs.gather(-1, answer[:, None])[:, 0])
        hits.append(logs.argmax(-1) == answer)
        entropies.append(-(logs.exp() * logs).sum(-1))
    return Teacher(float(torch.cat(nats).mean()), float(torch.cat(hits).double().mean()), torch.cat(entropies).numpy())


def _answer_logits(engine: TransformersEngine, text: Text) -> torch.Tensor:
    """The logits that predict each token of the answer."""
    tokens = torch.from_numpy(text.tokens.astype(np.int64))[None].to(engine.model.device)
    return engine.model(tokens).logits[0, text.answer - 1 : -1].cpu()


@dataclass(frozen=True)
class Greedy:
    """Greedy answers, H at each of their steps (nats), and the ROUGE-L of each against its reference."""

    texts: list[str]
    entropy: np.ndarray
    rouge_l: np.ndarray


def greedy(engine: TransformersEngine, examples: Sequence[Example], *, max_new_tokens: int = 48) -> Greedy:
    """The most probable continuation, token by token."""
    setting = Setting(policy=Fixed(temperature=0), filters=Filters())
    requests = [Request(id=i, prompt=e.prompt, settings=(setting,), max_new_tokens=max_new_tokens) for i, e in enumerate(examples)]
    completions = [c for (c,) in engine.generate(requests)]
    texts = [c.text.strip() for c in completions]
    return Greedy(texts, np.concatenate([c.trace.entropy for c in completions]), rouge(texts, examples))


def rouge(texts: Sequence[str], examples: Sequence[Example]) -> np.ndarray:
    """ROUGE-L of each text against its example's references."""
    return RougeL().scores(texts, [e.references for e in examples])


def histogram(entropy: np.ndarray) -> list[dict[str, Any]]:
    """The share of steps in each bin of H."""
    counts, _ = np.histogram(entropy, np.array(EDGES))
    return [{"from": low, "to": high, "share": float(n / len(entropy))} for low, high, n in zip(EDGES, EDGES[1:], counts, strict=False)]


def mean_with_error(values: np.ndarray) -> str:
    """Mean and standard error, three decimals."""
    return f"{values.mean():.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"
