"""Reading a text: what the model makes of each of its tokens, untempered; also with dropout at work."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from edt_sampling.engines.transformers.forcing import forced_logits
from edt_sampling.protocol import Reading
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.contract import COMPUTED

BEST = 16
"""So many of the most probable tokens are told of, or all of a smaller vocabulary."""


def read(model: PreTrainedModel, prompt: Sequence[int], text: Sequence[int], *, watch: np.ndarray | None) -> Reading:
    """What the model makes of the tokens ``text`` behind the tokens ``prompt``; see ``Engine.read``."""
    if watch is not None and (watch.ndim != 2 or len(watch) != len(text)):
        raise ValueError(f"watch must be [tokens, width] with a row for each of the text's {len(text)} tokens, got shape {watch.shape}")
    logits = forced_logits(model, prompt, text)
    found = backend.statistics(logits, needs=COMPUTED)
    tokens = torch.tensor(text, device=logits.device)[:, None]
    order = torch.sort(logits, dim=-1, descending=True, stable=True).indices
    watched = order[:, :BEST] if watch is None else torch.tensor(watch, dtype=torch.int64, device=logits.device)
    at = torch.cat([watched, tokens], dim=-1)
    shifted = logits.gather(-1, at).double() - logits.amax(-1, keepdim=True).double()
    probability = shifted.exp() * found.max_probability[:, None]
    rank = (order == tokens).int().argmax(-1)
    columns = {name: getattr(found, name).cpu().numpy() for name in ("entropy", "max_probability", "margin", "varentropy")}
    return Reading(
        tokens=np.array(text),
        **columns,
        probability=probability[:, -1].cpu().numpy(),
        rank=rank.cpu().numpy(),
        best=order[:, :BEST].cpu().numpy(),
        watched=probability[:, :-1].cpu().numpy(),
    )


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
