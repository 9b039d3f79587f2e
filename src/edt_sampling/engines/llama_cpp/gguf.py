"""GGUF files from transformers folders of Llama's architecture; everything else is llama.cpp's own converter's."""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import gguf
import numpy as np
from gguf.quants import quantize

from edt_sampling.engines.llama_cpp.vocabulary import ELSEWHERE, write_vocabulary
from edt_sampling.engines.llama_cpp.weights import Weight, stored_as, weights

ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM")
Kind = Literal["f32", "f16", "bf16"]
_FILE_TYPES = {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16, "bf16": gguf.LlamaFileType.MOSTLY_BF16}


def write_gguf(folder: str | Path, out: str | Path, *, kind: Kind = "f32") -> Path:
    """Writes the model and tokenizer of a transformers folder to the GGUF file ``out``, and returns its path. Needs no torch.

    ``kind``: how matrices are kept, ``f32``, ``f16`` or ``bf16``; vectors stay in float32. The file appears whole or not at all, and the
    same folder gives the same bytes.

    Raises:
        FileNotFoundError: the folder, its config.json, tokenizer files or weights are not there.
        ValueError: an architecture, a rotation or a tokenizer that llama.cpp's own converter must convert; it is named.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"type must be one of {', '.join(get_args(Kind))}, got {kind!r}")
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    config = _config(folder)
    tensors = weights(folder, config)
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    os.close(handle)
    try:
        _write(Path(partial), folder, config, tensors, kind)
        os.chmod(partial, 0o644)
        os.replace(partial, out)
    finally:
        Path(partial).unlink(missing_ok=True)
    return out


def _config(folder: Path) -> dict[str, Any]:
    """config.json, refused where this converter would write a model that computes something else."""
    if not folder.is_dir():
        raise FileNotFoundError(f"model {str(folder)!r} is not a folder: give a folder with config.json, tokenizer.json and safetensors")
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"model folder {str(folder)!r} holds no config.json")
    if not list(folder.glob("*.safetensors")):
        raise FileNotFoundError(f"model folder {str(folder)!r} holds no weights in safetensors")
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    name = next(iter(config.get("architectures") or ["none"]))
    if name not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {', '.join(ARCHITECTURES)}, got {name}: {ELSEWHERE}")
    if reason := _beyond(config):
        raise ValueError(f"model folder {str(folder)!r} has {reason}, which is not converted here: {ELSEWHERE}")
    return config


def _beyond(config: Mapping[str, Any]) -> str | None:
    """What a model has beyond the plain architecture, None where nothing."""
    rotation = _rotation(config)
    scaling = rotation.get("rope_type", rotation.get("type", "default"))
    found = {
        f"rope_type {scaling!r}": scaling != "default",
        "biases": config.get("attention_bias") or config.get("mlp_bias"),
        "a sliding window": config.get("sliding_window"),
        f"hidden_act {config.get('hidden_act')!r}": config.get("hidden_act", "silu") != "silu",
    }
    return next((name for name, there in found.items() if there), None)


def _rotation(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rotary embedding's parameters, under transformers 5's name or the one before it."""
    return config.get("rope_parameters") or config.get("rope_scaling") or {}


def _write(file: Path, folder: Path, config: Mapping[str, Any], tensors: list[Weight], kind: Kind) -> None:
    """Metadata first, then one tensor after the other, so that one at a time is in memory."""
    wanted = gguf.GGMLQuantizationType[kind.upper()]
    writer = gguf.GGUFWriter(file, "llama")
    _write_shape(writer, config)
    writer.add_file_type(_FILE_TYPES[kind])
    write_vocabulary(writer, folder, size=config["vocab_size"])
    for tensor in tensors:
        shape, stored = tensor.stored.shape, stored_as(tensor.stored.shape, wanted)
        _, size = gguf.GGML_QUANT_SIZES[stored]
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), math.prod(shape) * size, raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(quantize(tensor.read(), stored_as(tensor.stored.shape, wanted)))
    writer.close()


def _write_shape(writer: gguf.GGUFWriter, config: Mapping[str, Any]) -> None:
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    width = config.get("head_dim") or hidden // heads
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(width)
    writer.add_rope_freq_base(_rotation(config).get("rope_theta", config.get("rope_theta", 10000.0)))
