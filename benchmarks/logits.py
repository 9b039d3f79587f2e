"""Rows of logits to draw from: noise, and rows that fall as a language model's do, at a given entropy."""

from __future__ import annotations

import torch
from torch import Tensor

ENTROPIES = (0.1, 1.0, 4.0)
"""Nats: a step that is nearly certain, an ordinary one, an open one."""


def noise(rows: int, words: int) -> Tensor:
    """Float32 ``[rows, words]``, the same every time."""
    return torch.randn(rows, words, generator=torch.Generator().manual_seed(0)) * 3


def peaked(rows: int, words: int, *, entropy: float) -> Tensor:
    """Rows that fall with the logarithm of the rank (Zipf's law), a little noise on them, each in an order of its own, float32.

    How fast they fall is found by halving, so that the first row's entropy is ``entropy`` nats to a thousandth.
    """
    generator = torch.Generator().manual_seed(0)
    ranks = torch.arange(1, words + 1, dtype=torch.float64).log()
    unsteady = torch.randn(words, generator=generator, dtype=torch.float64) * 0.3
    low, high = 0.01, 30.0
    for _ in range(60):
        steep = (low + high) / 2
        low, high = (low, steep) if _entropy(unsteady - steep * ranks) < entropy else (steep, high)
    row = (unsteady - steep * ranks).float()
    return torch.stack([row[torch.randperm(words, generator=generator)] for _ in range(rows)])


def _entropy(row: Tensor) -> float:
    logs = row.log_softmax(-1)
    return float(-(logs.exp() * logs).sum())
