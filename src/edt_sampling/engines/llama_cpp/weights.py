"""Weights of Llama's architecture: transformers' names and layout in, GGUF's out."""
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.utility import LocalTensor, SafetensorsLocal

_DTYPES = {"F32": np.float32, "F16": np.float16, "F64": np.float64}
_OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
_LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One tensor: its name in GGUF, where it lies, and over how many heads its rows are interleaved (0: not at all)."""

    name: str
    stored: LocalTensor
    heads: int

    def read(self) -> np.ndarray:
        """Its numbers in float32, in GGUF's layout."""
        raw = self.stored.mmap_bytes()
        if self.stored.dtype == "BF16":
            flat = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            flat = raw.view(_DTYPES[self.stored.dtype]).astype(np.float32)
        array = flat.reshape(self.stored.shape)
        return _interleaved(array, self.heads) if self.heads else array


def weights(folder: Path, config: Mapping[str, Any]) -> list[Weight]:
    """The tensors of a transformers folder in GGUF's order: embeddings, layers, the output.

    Raises ValueError where one is missing, is there and not of this architecture, or holds no floating point numbers.
    """
    found: dict[str, LocalTensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found |= SafetensorsLocal(file).tensors
    wanted = _names(config)
    if missing := [name for name in wanted if name not in found]:
        raise ValueError(f"model folder {str(folder)!r} holds no tensor {missing[0]!r}")
    tied = {"lm_head.weight"} if config.get("tie_word_embeddings") else set[str]()
    if unknown := [name for name in found if name not in wanted.keys() | tied and not name.endswith("rotary_emb.inv_freq")]:
        raise ValueError(f"model folder {str(folder)!r} holds tensor {unknown[0]!r}, which Llama's architecture does not have")
    if odd := [name for name in wanted if found[name].dtype not in {*_DTYPES, "BF16"}]:
        raise ValueError(f"tensor {odd[0]!r} must be float32, float16 or bfloat16, got {found[odd[0]].dtype}")
    return [Weight(name=name, stored=found[theirs], heads=_heads(theirs, config)) for theirs, name in wanted.items()]


def stored_as(shape: Sequence[int], kind: gguf.GGMLQuantizationType) -> gguf.GGMLQuantizationType:
    """How a tensor is kept in a file of this kind: vectors stay in float32, as llama.cpp has them."""
    return kind if len(shape) > 1 else gguf.GGMLQuantizationType.F32


def _names(config: Mapping[str, Any]) -> dict[str, str]:
    """transformers' name of every tensor that must be there, with GGUF's."""
    outer = {f"{theirs}.weight": f"{ours}.weight" for theirs, ours in _OUTER.items()}
    if config.get("tie_word_embeddings"):
        del outer["lm_head.weight"]
    layers = {
        f"model.layers.{i}.{theirs}.weight": f"blk.{i}.{ours}.weight"
        for i in range(config["num_hidden_layers"])
        for theirs, ours in _LAYER.items()
    }
    return outer | layers


def _heads(name: str, config: Mapping[str, Any]) -> int:
    if ".q_proj." in name:
        return config["num_attention_heads"]
    return config.get("num_key_value_heads") or config["num_attention_heads"] if ".k_proj." in name else 0


def _interleaved(array: np.ndarray, heads: int) -> np.ndarray:
    """Each head's rows in pairs (i, i + half), which llama.cpp rotates side by side; transformers keeps the halves apart."""
    half = array.shape[0] // heads // 2
    return array.reshape(heads, 2, half, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)
