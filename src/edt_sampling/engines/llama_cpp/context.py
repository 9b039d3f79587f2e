"""A llama.cpp context: cells for keys and values that its sequences share, and passes over batches of tokens."""
# pyright: reportMissingImports=false

from __future__ import annotations

import ctypes
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llama_cpp._logger import logger

from edt_sampling.engines.llama_cpp.native import llama_cpp

BATCH = 256
"""Tokens a pass; llama.cpp allows as many sequences."""


class Context:
    """Room for ``cells`` tokens in up to ``sequences`` sequences, freed with the object. A token that several sequences share takes one
    cell. ``model`` is llama-cpp-python's ``LlamaModel``, ``cache`` llama.cpp's number for the type of keys and values."""

    def __init__(self, model: Any, *, cells: int, sequences: int, cache: int, threads: int) -> None:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx, parameters.n_seq_max, parameters.kv_unified, parameters.swa_full = cells, sequences, True, True
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.type_k = parameters.type_v = cache
        parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        parameters.no_perf = True
        with hushed():
            self.native = llama_cpp.llama_init_from_model(model.model, parameters)
        if not self.native:
            raise OSError(
                f"llama.cpp has no memory for a context of {cells} tokens: lower cache_bytes, or ask for fewer rows or tokens at once"
            )
        self._memory = llama_cpp.llama_get_memory(self.native)
        self._model = model  # which must not be freed before its context
        self._vocab = model.n_vocab()

    def __del__(self) -> None:
        if getattr(self, "native", None):
            llama_cpp.llama_free(self.native)
            self.native = None

    def decode(self, tokens: np.ndarray, *, positions: np.ndarray, sequences: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Appends tokens at these positions of these sequences, ``[tokens]`` each, and returns the logits behind the ``wanted`` ones,
        ``[wanted, vocab]``, float32; a pass for each ``BATCH`` of them."""
        found = [
            self._pass(*(column[start : start + BATCH] for column in (tokens, positions, sequences, wanted)))
            for start in range(0, len(tokens), BATCH)
        ]
        return np.concatenate(found)

    def _pass(self, tokens: np.ndarray, positions: np.ndarray, sequences: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        size = len(tokens)
        token, position, sequence = (np.ascontiguousarray(column, np.int32) for column in (tokens, positions, sequences))
        ones, flags = np.ones(size, np.int32), np.ascontiguousarray(wanted, np.int8)
        owners = sequence.ctypes.data + sequence.itemsize * np.arange(
            size, dtype=np.uintp
        )  # for each token, where its only sequence stands
        batch = llama_cpp.llama_batch(
            n_tokens=size,
            token=_pointer(token, llama_cpp.llama_token),
            pos=_pointer(position, llama_cpp.llama_pos),
            n_seq_id=_pointer(ones, ctypes.c_int32),
            seq_id=owners.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(llama_cpp.llama_seq_id))),
            logits=_pointer(flags, ctypes.c_int8),
        )
        if status := llama_cpp.llama_decode(self.native, batch):
            raise RuntimeError(f"llama.cpp's llama_decode gave {status} for {size} tokens")
        rows = int(flags.sum())
        if not rows:
            return np.empty((0, self._vocab), np.float32)
        return np.ctypeslib.as_array(llama_cpp.llama_get_logits(self.native), (rows, self._vocab)).copy()

    def share(self, sequences: int) -> None:
        """Lets sequences 1 up to this number begin with what sequence 0 holds."""
        for sequence in range(1, sequences):
            llama_cpp.llama_memory_seq_cp(self._memory, 0, sequence, -1, -1)

    def drop(self, sequence: int) -> None:
        """Frees the cells that no other sequence has in common with this one."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, -1, -1)


@contextmanager
def hushed() -> Generator[None]:
    """Without llama.cpp's warning that many rows together have more tokens than one text may."""
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _pointer(column: np.ndarray, kind: Any) -> Any:
    return column.ctypes.data_as(ctypes.POINTER(kind))
