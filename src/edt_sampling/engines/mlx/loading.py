"""Models for MLX from a local folder or the Hub, and the bundled one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm import load as load_mlx
from mlx_lm.utils import hf_repo_to_path

from edt_sampling.engines.decoding.engine import LogitsEngine
from edt_sampling.engines.fingerprint import fingerprint
from edt_sampling.engines.mlx.model import CACHE_BYTES, MlxModel
from edt_sampling.engines.source import BUNDLED, model_source

DTYPES: dict[str, Any] = {"float32": mx.float32, "bfloat16": mx.bfloat16, "float16": mx.float16}


def load(
    *, model: str = BUNDLED, dtype: str = "auto", cache_bytes: int = CACHE_BYTES, trust_remote_code: bool = False, chat: bool = False
) -> LogitsEngine:
    """An engine with a model that mlx-lm can run, on MLX's default device.

    ``model``: a folder of transformers' or mlx-lm's format, quantised ones too, a Hub id (``owner/name``), or ``bundled``.
    ``dtype``: ``auto`` (as the weights are stored), ``float32``, ``bfloat16``, ``float16``. ``cache_bytes``: the most that keys and values
    of rows decoded together may take. A model's own code runs only with ``trust_remote_code``. ``chat``: prompts go through the model's
    chat template.
    Raises ValueError for options out of range and a model that cannot be batched, OSError for one that cannot be read.
    """
    loaded, tokenizer, config = read_model(model, dtype=dtype, trust_remote_code=trust_remote_code)
    text = config.get("text_config") or config
    positions = text.get("max_position_embeddings")
    mlx_model = MlxModel(loaded, tokenizer, name=model, fingerprint=_mark(model), positions=positions, cache_bytes=cache_bytes)
    return LogitsEngine(mlx_model, chat=chat)


def read_model(model: str = BUNDLED, *, dtype: str = "auto", trust_remote_code: bool = False) -> tuple[Any, Any, dict[str, Any]]:
    """Model, tokenizer and configuration as mlx-lm loads them, or an OSError that says in one line why they cannot be read."""
    if dtype != "auto" and dtype not in DTYPES:
        raise ValueError(f"dtype must be auto, {', '.join(DTYPES)}, got {dtype!r}")
    source = model_source(model)
    options: dict[str, Any] = {"tokenizer_config": {"trust_remote_code": trust_remote_code}, "trust_remote_code": trust_remote_code}
    try:
        read: Any = load_mlx(source, return_config=True, **options)
    except Exception as error:  # mlx-lm and huggingface_hub raise what their parts raise
        line = str(error).strip().partition("\n")[0] or type(error).__name__
        raise OSError(f"model {model!r} cannot be loaded: {line}") from error
    if dtype != "auto":
        read[0].set_dtype(DTYPES[dtype])
    return read


def _mark(model: str) -> str:
    source = model_source(model)
    return fingerprint(source if Path(source).is_dir() else str(hf_repo_to_path(source)), None)
