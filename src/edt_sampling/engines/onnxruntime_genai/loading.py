"""Models for ONNX Runtime GenAI from a folder, and the bundled one."""

from __future__ import annotations

import json
from pathlib import Path

from edt_sampling.engines.decoding.engine import LogitsEngine
from edt_sampling.engines.fingerprint import adapted
from edt_sampling.engines.onnxruntime_genai.builder import bundled_onnx
from edt_sampling.engines.onnxruntime_genai.model import CACHE_BYTES, OnnxModel
from edt_sampling.engines.source import BUNDLED


def load(*, model: str = BUNDLED, threads: int | None = None, cache_bytes: int = CACHE_BYTES, chat: bool = False) -> LogitsEngine:
    """An engine with a model that GenAI can run.

    ``model``: a folder with a ``genai_config.json``, or ``bundled``, which is exported on first use. ``threads``: CPU threads.
    ``cache_bytes``: the most that keys and values of rows decoded together may take. ``chat``: prompts go through the chat template.
    Raises ValueError for options out of range, FileNotFoundError or OSError for a model that cannot be read.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be >= 1, got {threads}")
    folder = bundled_onnx() if model == BUNDLED else Path(model).expanduser()
    for file in ("genai_config.json", "tokenizer.json"):
        if not (folder / file).is_file():
            raise FileNotFoundError(f"model {model!r} is not a folder with a {file}: edt export onnx --model FOLDER --out DIR writes one")
    try:
        mark = adapted("", *sorted([*folder.glob("*.onnx"), *folder.glob("*.onnx.data"), folder / "genai_config.json"]))
        return LogitsEngine(OnnxModel(folder, name=model, fingerprint=mark, threads=threads, cache_bytes=cache_bytes), chat=chat)
    except (RuntimeError, KeyError, json.JSONDecodeError) as error:
        raise OSError(f"model {model!r} cannot be loaded: {str(error).partition(chr(10))[0]}") from error
