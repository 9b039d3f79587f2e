"""A model of ONNX Runtime GenAI for the engine of ``engines/decoding``."""
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime_genai as og

from edt_sampling.engines.onnxruntime_genai.generation import new_generator
from edt_sampling.engines.onnxruntime_genai.stream import OnnxStream
from edt_sampling.engines.onnxruntime_genai.tokenizer import GenaiTokenizer

CACHE_BYTES = 1 << 30
CHUNK = 256
"""Tokens in one pass: 128 MB of logits of a vocabulary of 128,256 in float32."""
MOST_ROWS = 32
"""GenAI's own limit of a batch."""


class OnnxModel:
    """The model of a folder with a ``genai_config.json``. Every row holds its prompt; rows stay under ``cache_bytes`` together.

    ``threads``: CPU threads; None for ONNX Runtime's own choice. Refused: models of more than a decoder.
    """

    def __init__(self, folder: Path, *, name: str, fingerprint: str, threads: int | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        told: dict[str, Any] = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))["model"]
        if more := sorted(part for part in ("encoder", "vision", "speech") if part in told):
            raise ValueError(f"model {name!r} has a {more[0]} beside its decoder: give a text model, or use GenAI with PolicyTemper")
        self.name, self.fingerprint, self._threads, self._cache_bytes = name, fingerprint, threads, cache_bytes
        self.positions: int | None = told.get("context_length")
        self._model: Any = og.Model(_configured(folder, threads))
        self.tokenizer: Any = GenaiTokenizer(self._model, folder)
        self.end_tokens = _end_tokens(told)
        self._output: str = told["decoder"]["outputs"]["logits"]
        self._probe(told["decoder"])

    def _probe(self, decoder: dict[str, Any]) -> None:
        """How many positions' logits a pass gives: a model that was built with ``prune_lm_head`` gives the last one's alone."""
        generator = new_generator(self._model, rows=1, length=3)
        generator.append_tokens(np.zeros((1, 2), dtype=np.int32))
        found: np.ndarray = generator.get_output(self._output)
        self._chunk, self._dtype = CHUNK if found.shape[1] == 2 else 1, found.dtype
        keys = decoder["num_key_value_heads"] * decoder["head_size"]
        self._bytes_a_position = 2 * decoder["num_hidden_layers"] * keys * found.dtype.itemsize

    def begin(self, prompt: Sequence[int], *, rows: int, room: int) -> OnnxStream:
        """So many rows behind one prompt, with room for ``room`` tokens each."""
        row_bytes = self._bytes_a_position * (len(prompt) + room)
        return OnnxStream(self._model, prompt, rows=rows, room=room, end=self.end_tokens[0], row_bytes=row_bytes)

    def rows_at_once(self, prompt: int, *, room: int) -> int:
        """How many rows behind a prompt of so many tokens fit under ``cache_bytes``; ``MOST_ROWS`` at most."""
        return min(MOST_ROWS, self._cache_bytes // (self._bytes_a_position * (prompt + room)))

    def logits(self, tokens: Sequence[int], *, last: int) -> np.ndarray:
        """The logits behind each of the last tokens, ``[last, vocab]``, from one pass in chunks."""
        generator = new_generator(self._model, rows=1, length=len(tokens) + 1)
        before = len(tokens) - last
        for start in range(0, before, CHUNK):
            generator.append_tokens(np.array([tokens[start : min(start + CHUNK, before)]], dtype=np.int32))
        found: list[np.ndarray] = []
        for start in range(before, len(tokens), self._chunk):
            generator.append_tokens(np.array([tokens[start : start + self._chunk]], dtype=np.int32))
            found.append(generator.get_output(self._output)[0].astype(np.float32))
        return np.concatenate(found)

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know to repeat them."""
        return {
            "engine": "onnxruntime-genai",
            "onnxruntime_genai": og.__version__,
            "onnxruntime": version("onnxruntime"),
            "device": self._model.device_type.lower(),
            "dtype": str(self._dtype),
            "threads": self._threads or "onnxruntime's own choice",
            "prefix": "copied",
        }


def _configured(folder: Path, threads: int | None) -> Any:
    """GenAI's configuration without a padding token: it masks those at a prompt's end, where they are often the end token too."""
    changes: dict[str, Any] = {"pad_token_id": -1}
    if threads is not None:
        changes["decoder"] = {"session_options": {"intra_op_num_threads": threads}}
    config = og.Config(str(folder))
    config.overlay(json.dumps({"model": changes}))
    return config


def _end_tokens(told: dict[str, Any]) -> list[int]:
    ends = told["eos_token_id"]
    return [int(token) for token in (ends if isinstance(ends, list) else [ends])]
