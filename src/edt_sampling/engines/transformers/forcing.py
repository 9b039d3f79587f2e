"""The logits of a given text, from one pass of the model; also with dropout at work."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.prefill import forward


def forced_logits(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int]) -> torch.Tensor:
    """The logits from which each token of the text would be drawn, ``[tokens, vocab]``."""
    tokens = torch.tensor([[*prompt, *text[:-1]]], device=model.device)
    positions = torch.arange(tokens.shape[1], device=model.device)[None]
    out = forward(model, tokens, cache=None, mask=None, positions=positions, logits_to_keep=len(text))
    return exact(out.logits[0, -len(text) :])


@contextmanager
def dropping(model: PreTrainedModel, seed: int) -> Generator[None]:
    """The model as in training, what it drops decided by the seed.

    Raises:
        ValueError: it drops nothing: none of its dropout probabilities is above 0.
    """
    if not any(_drops(module) for module in model.modules()):
        raise ValueError(
            "dropout: no dropout probability of this model's config is above 0, so every pass would be alike: "
            "leave it out, or compare checkpoints"
        )
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        model.train()
        try:
            yield
        finally:
            model.eval()


def _drops(module: Any) -> bool:
    """Whether a module drops something in training: itself, or by a probability that it hands on, as attention does."""
    if isinstance(module, torch.nn.Dropout):
        return module.p > 0
    return any("drop" in name and isinstance(value, float) and value > 0 for name, value in vars(module).items())
