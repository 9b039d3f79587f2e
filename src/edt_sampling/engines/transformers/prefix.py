"""One prefix for many rows: its keys and values are stored once, and each row owns only what it adds.

A cache layer hands itself to the attention function in the place of keys and values, and a registered attention
function reads its two parts. Where a model does not go through transformers' attention interface, or does more in its
attention than this function knows, ``engine.py`` notices in a trial and copies the prefix to every row instead.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

ATTENTION = "edt_shared_prefix"
_UNDERSTOOD = {"softcap", "s_aux", "sliding_window", "position_bias"}  # what changes attention's result when it is not None


class SharedPrefixLayer(DynamicLayer):
    """Keys and values of one layer: the prefix ``[1, heads, P, d]`` and the rows' suffixes ``[rows, heads, room, d]``."""

    def __init__(self, layer: Any, *, rows: int, room: int) -> None:
        super().__init__()
        self.dtype, self.device, self.is_initialized = layer.keys.dtype, layer.keys.device, True
        self.prefix: tuple[torch.Tensor, ...] = (layer.keys, layer.values)
        self.suffix = tuple(part.new_empty(rows, part.shape[1], room, part.shape[3]) for part in self.prefix)
        self.length = 0

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Appends one token to each row; returns the layer itself, which the attention function reads."""
        end = self.length + key_states.shape[2]
        self.suffix[0][:, :, self.length : end] = key_states
        self.suffix[1][:, :, self.length : end] = value_states
        self.length = end
        return self, self

    def get_seq_length(self) -> int:
        return self.prefix[0].shape[2] + self.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keeps these rows; only the written part of a suffix is moved, to the front of the memory that it has: new memory costs more."""
        kept = len(indices)
        for part in self.suffix:
            part[:kept, :, : self.length] = part[:, :, : self.length].index_select(0, indices)  # a copy first, so rows may overlap
        self.suffix = tuple(part[:kept] for part in self.suffix)


def shares_prefix(cache: Any) -> bool:
    """Whether every layer of a prefilled cache keeps plain keys and values of all positions."""
    return isinstance(cache, DynamicCache) and all(type(layer) is DynamicLayer for layer in cache.layers)


def shared_cache(prefilled: DynamicCache, *, rows: int, room: int) -> DynamicCache:
    """A cache of ``rows`` rows over the prefix of a prefilled cache of one row, with room for ``room`` more tokens each."""
    cache: Any = DynamicCache()
    cache.layers = [SharedPrefixLayer(layer, rows=rows, room=room) for layer in prefilled.layers]
    return cache


def cached_bytes(layer: Any) -> int:
    """What the keys and values of a layer take: those of all rows, or the prefix once and each row's suffix."""
    parts = (*layer.prefix, *layer.suffix) if isinstance(layer, SharedPrefixLayer) else (layer.keys, layer.values)
    return sum(part.numel() * part.element_size() for part in parts)


def shared_prefix_attention(
    module: torch.nn.Module, query: torch.Tensor, key: Any, value: Any, attention_mask: torch.Tensor | None, **kwargs: Any
) -> tuple[torch.Tensor, None]:
    """Attention of one new token a row ``[rows, heads, 1, d]`` over prefix and suffix; anything else goes to sdpa."""
    if not isinstance(key, SharedPrefixLayer):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    changed = sorted(name for name in _UNDERSTOOD if kwargs.get(name) is not None)
    if changed:
        raise ValueError(f"shared prefix: attention with {', '.join(changed)} is not supported")
    scaling = kwargs.get("scaling")
    return _attend(query[:, :, 0] * (query.shape[-1] ** -0.5 if scaling is None else scaling), key)[:, None], None


def _attend(query: torch.Tensor, layer: SharedPrefixLayer) -> torch.Tensor:
    """Scaled queries ``[rows, heads, d]`` to outputs of the same shape."""
    (prefix_keys, prefix_values), (keys, values) = layer.prefix, (part[:, :, : layer.length] for part in layer.suffix)
    rows, heads, width = query.shape
    key_heads, length = prefix_keys.shape[1:3]
    grouped = query.view(rows, key_heads, heads // key_heads, width)
    stacked = grouped.transpose(0, 1).reshape(key_heads, -1, width)  # all rows in one matrix product a head
    to_prefix = (stacked @ prefix_keys[0].transpose(1, 2)).view(key_heads, rows, -1, length).transpose(0, 1)
    weights = torch.softmax(torch.cat([to_prefix, grouped @ keys.transpose(2, 3)], -1), -1)
    on_prefix = weights[..., :length].transpose(0, 1).reshape(key_heads, -1, length)
    from_prefix = (on_prefix @ prefix_values[0]).view(key_heads, rows, -1, prefix_values.shape[3]).transpose(0, 1)
    return (from_prefix + weights[..., length:] @ values).reshape(rows, heads, -1)


ALL_ATTENTION_FUNCTIONS.register(ATTENTION, shared_prefix_attention)
ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
