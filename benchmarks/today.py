"""The path that people use today: transformers' warpers, softmax and multinomial, in the order of its ``generate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from benchmarks.shapes import TEMPERATURE

FILTERS = {"none": "temperature", "top-p": "temperature,top_p=0.95", "top-k, top-p": "temperature,top_k=50,top_p=0.95",
           "min-p": "temperature,min_p=0.05"}  # fmt: skip
"""By the name that tables use, the filters as ours are given them; ``WARPERS`` holds transformers' own."""
WARPERS: dict[str, Callable[[], list[Any]]] = {
    "none": lambda: [],
    "top-p": lambda: [TopPLogitsWarper(0.95)],
    "top-k, top-p": lambda: [TopKLogitsWarper(50), TopPLogitsWarper(0.95)],
    "min-p": lambda: [MinPLogitsWarper(0.05)],
}


def step(logits: Tensor, filters: str) -> Callable[[], Tensor]:
    """A call that draws a token a row ``[rows, 1]`` as ``generate`` does: in float32, at a fixed temperature."""
    warpers = [TemperatureLogitsWarper(TEMPERATURE), *WARPERS[filters]()]
    ids: Any = torch.zeros(len(logits), 1, dtype=torch.long)

    def draw() -> Tensor:
        scores: Any = logits.float()
        for warper in warpers:
            scores = warper(ids, scores)
        return torch.multinomial(torch.softmax(scores, dim=-1), num_samples=1)

    return draw


def floor(logits: Tensor) -> Callable[[], Any]:
    """A call that takes the exponential of every logit twice, into one float32 buffer: what any draw at a dynamic temperature needs."""
    buffer = torch.empty(logits.shape, dtype=torch.float32)
    if logits.dtype == torch.float32:
        return lambda: (torch.exp(logits, out=buffer), torch.exp(logits, out=buffer))
    return lambda: (buffer.copy_(logits).exp_(), buffer.copy_(logits).exp_())  # exp with out= converts much more slowly
