"""The entropy of the distributions over a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import DynamicCache, PreTrainedModel

from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.prefill import forward
from edt_sampling.sampling import torch as backend

CHUNK = 256
"""Prompt tokens whose logits are held at once: 128 MB of a vocabulary of 128,256 in float32."""


@torch.inference_mode()
def prompt_entropy(model: PreTrainedModel, prompt: Sequence[int]) -> float:
    """The mean entropy (nats) of the distributions from which the prompt's tokens, the first one excepted, could have been drawn.

    Of a prompt of one token, the entropy of what follows it.
    """
    read = prompt[:-1] or prompt
    cache, total = DynamicCache(config=model.config), 0.0
    for start in range(0, len(read), CHUNK):
        tokens = torch.tensor([read[start : start + CHUNK]], device=model.device)
        positions = torch.arange(start, start + tokens.shape[1], device=model.device)[None]
        mask = torch.ones(1, start + tokens.shape[1], dtype=torch.long, device=model.device)
        out = forward(model, tokens, cache=cache, mask=mask, positions=positions)
        total += float(backend.statistics(exact(out.logits[0])).entropy.sum())
    return total / len(read)
