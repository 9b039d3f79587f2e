"""Entropies that are known before a text begins: over its prompt, and over a greedy draft of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from transformers import DynamicCache, PreTrainedModel

from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.prefill import forward
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Completion, Request, Setting
from edt_sampling.sampling import torch as backend

CHUNK = 256
"""Prompt tokens whose logits are held at once: 128 MB of a vocabulary of 128,256 in float32."""
FORESEEN = frozenset({"prompt_entropy", "draft_entropy"})
Draft = Callable[[Request], Completion]


def foreseen(request: Request, model: PreTrainedModel, prompt: Sequence[int], draft: Draft) -> dict[str, float]:
    """Those of ``FORESEEN`` that the request's policies need, by name; ``draft`` decodes a request of one row."""
    needs = frozenset[str]().union(*(setting.policy.needs for setting in request.settings))
    found: dict[str, float] = {}
    if "prompt_entropy" in needs:
        found["prompt_entropy"] = prompt_entropy(model, prompt)
    if "draft_entropy" in needs:
        found["draft_entropy"] = draft_entropy(request, draft)
    return found


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


def draft_entropy(request: Request, draft: Draft) -> float:
    """The mean entropy (nats) over the steps of a greedy text of the request's prompt, of the request's own length and endings."""
    greedy = Setting(policy=Fixed(temperature=0))
    completion = draft(replace(request, settings=(greedy,), samples=1, schedules={}))
    return float(completion.trace.entropy.mean(dtype="float64"))
