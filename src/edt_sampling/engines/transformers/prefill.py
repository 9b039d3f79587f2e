"""Prompts read once: their cache, the logits that follow them, and rows over them."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache, PreTrainedModel

from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.prefix import cached_bytes, shared_cache


@dataclass
class Prefill:
    """Prompts of one batch, padded on the left: cache, next-token logits ``[prompts, vocab]``, mask and lengths."""

    cache: Any
    logits: torch.Tensor
    mask: torch.Tensor
    lengths: torch.Tensor

    @property
    def token_bytes(self) -> int:
        """What one position of one row takes in the cache."""
        positions = self.mask.numel()
        return sum(part.numel() * part.element_size() for layer in self.cache.layers for part in (layer.keys, layer.values)) // positions


def prefill(model: PreTrainedModel, prompts: Sequence[Sequence[int]]) -> Prefill:
    """Runs the model over prompts of token ids."""
    width = max(map(len, prompts))
    tokens = torch.zeros(len(prompts), width, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        tokens[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    tokens, mask = tokens.to(model.device), mask.to(model.device)
    out = forward(
        model, tokens, cache=DynamicCache(config=model.config), mask=mask, positions=(mask.cumsum(-1) - 1).clamp(min=0), logits_to_keep=1
    )
    return Prefill(out.past_key_values, exact(out.logits[:, -1]), mask, mask.sum(-1))


def forward(
    model: PreTrainedModel, tokens: torch.Tensor, *, cache: Any, mask: torch.Tensor | None, positions: torch.Tensor, **options: Any
) -> Any:
    """One pass of the model, which fills the cache where there is one; arguments that its architecture does not know are left out."""
    known = inspect.signature(model.forward).parameters
    named = {"attention_mask": mask, "position_ids": positions, **options}
    return model(tokens, past_key_values=cache, use_cache=cache is not None, **{k: v for k, v in named.items() if k in known})


class Continuation:
    """Rows over prefilled prompts: ``owner`` says whose prompt each row continues. ``step`` feeds a token a row."""

    def __init__(self, model: PreTrainedModel, start: Prefill, owner: Sequence[int], *, room: int, shared: bool) -> None:
        self._model = model
        index = torch.tensor(owner, device=start.mask.device)
        self.logits = start.logits[index.to(start.logits.device)]
        self._positions = start.lengths[index]
        self._mask: torch.Tensor | None = None
        if shared:
            self._cache = shared_cache(start.cache, rows=len(owner), room=room)
        else:
            self._cache = copy.deepcopy(start.cache)
            self._cache.batch_select_indices(index)
            self._mask = start.mask[index]

    def step(self, tokens: np.ndarray) -> None:
        """Appends ``tokens`` ``[rows]`` and computes the logits that follow."""
        if self._mask is not None:
            self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], -1)
        positions, following = self._positions[:, None], torch.from_numpy(tokens).to(self._positions.device)
        out = forward(self._model, following[:, None], cache=self._cache, mask=self._mask, positions=positions)
        self.logits = exact(out.logits[:, -1])
        self._positions = self._positions + 1

    @property
    def bytes(self) -> int:
        """What the keys and values of its rows take, the shared prefix counted once."""
        return sum(cached_bytes(layer) for layer in self._cache.layers)

    def keep(self, rows: np.ndarray) -> None:
        """Goes on with these rows only."""
        index = torch.from_numpy(rows).to(self._positions.device)
        self._cache.batch_select_indices(index)
        self._positions = self._positions[index]
        self._mask = None if self._mask is None else self._mask[index]
