"""A GGUF model for ``LogitsEngine``: tokens in, logits out, rows of one prompt over shared cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from edt_sampling.engines.llama_cpp.context import Context
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.llama_cpp.stream import SequenceStream
from edt_sampling.engines.llama_cpp.tokenizer import Tokenizer

CACHES = {"f32": (0, 4), "f16": (1, 2)}
"""Types of keys and values: llama.cpp's number, and bytes a number."""


class GGUFModel:
    """See ``decoding.model.Model``. ``loaded`` is llama-cpp-python's ``LlamaModel``; a stream's keys and values stay under ``cache_bytes``.

    Every stream has a context of its own, as large as its rows can grow.
    """

    def __init__(self, loaded: Any, *, name: str, fingerprint: str, threads: int, cache: str, cache_bytes: int, gpu_layers: int) -> None:
        self.name, self.fingerprint = name, fingerprint
        self._loaded, self._threads, self._cache, self._cache_bytes, self._gpu_layers = loaded, threads, cache, cache_bytes, gpu_layers
        self.positions: int | None = loaded.n_ctx_train()
        self.tokenizer = Tokenizer(loaded)
        self.end_tokens: Sequence[int] = [token for token in range(loaded.n_vocab()) if llama_cpp.llama_vocab_is_eog(loaded.vocab, token)]
        self._cell_bytes = CACHES[cache][1] * _numbers_a_cell(loaded.model, loaded.metadata())

    def begin(self, prompt: Sequence[int], *, rows: int, room: int) -> SequenceStream:
        """So many rows behind one prompt, with room for ``room`` tokens each."""
        context = self._context(len(prompt) + rows * room, sequences=rows)
        return SequenceStream(context, prompt, rows=rows, cell_bytes=self._cell_bytes)

    def rows_at_once(self, prompt: int, *, room: int) -> int:
        """How many rows ``cache_bytes`` and llama.cpp's own limit allow behind a prompt of so many tokens."""
        rows = (self._cache_bytes // self._cell_bytes - prompt) // room
        return max(0, min(rows, llama_cpp.llama_max_parallel_sequences()))

    def logits(self, tokens: Sequence[int], *, last: int) -> np.ndarray:
        """The logits behind each of the last tokens, ``[last, vocab]``."""
        size = len(tokens)
        places = np.arange(size)
        context = self._context(size, sequences=1)
        return context.decode(np.array(tokens), positions=places, sequences=np.zeros(size), wanted=places >= size - last)

    def describe(self) -> dict[str, Any]:
        """Engine, library versions, parameters, device, kinds of numbers, threads."""
        on_gpu = self._gpu_layers != 0 and llama_cpp.llama_supports_gpu_offload()
        return {
            "engine": "llama-cpp",
            "llama_cpp_python": version("llama-cpp-python"),
            "parameters": self._loaded.n_params(),
            "device": f"gpu, {'all' if self._gpu_layers < 0 else self._gpu_layers} layers" if on_gpu else "cpu",
            "dtype": self._loaded.desc().rpartition("B ")[2],  # of "llama 7B Q4_K - Medium"
            "cache": self._cache,
            "threads": self._threads,
            "cpu": " ".join(re.findall(r"(\w+) = 1", llama_cpp.llama_print_system_info().decode())),
        }

    def _context(self, cells: int, *, sequences: int) -> Context:
        return Context(self._loaded, cells=cells, sequences=sequences, cache=CACHES[self._cache][0], threads=self._threads)


def _numbers_a_cell(model: Any, metadata: Mapping[str, str]) -> int:
    """How many numbers keys and values of one token are, all layers together."""
    shared = llama_cpp.llama_model_n_embd(model) // llama_cpp.llama_model_n_head(model)
    prefix = f"{metadata['general.architecture']}.attention"
    width = sum(int(metadata.get(f"{prefix}.{part}_length", shared)) for part in ("key", "value"))
    return llama_cpp.llama_model_n_layer(model) * llama_cpp.llama_model_n_head_kv(model) * width
