"""llama.cpp's candidates, the tokens that its samplers hand on to each other, as NumPy arrays over the same memory."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from edt_sampling.engines.llama_cpp.native import llama_cpp

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""``struct llama_token_data``."""


def view(candidates: Any) -> np.ndarray:
    """The records of a ``llama_token_data_array``, ``[size]`` of ``CANDIDATE``; writing to them writes to llama.cpp's memory."""
    if not candidates.size:
        return np.empty(0, CANDIDATE)
    address = ctypes.addressof(candidates.data.contents)
    return np.frombuffer((ctypes.c_char * (candidates.size * CANDIDATE.itemsize)).from_address(address), CANDIDATE)


class Candidates:
    """A row of logits ``[vocab]`` as candidates for a sampler to be applied to, every token of it, in order of number."""

    def __init__(self, logits: np.ndarray) -> None:
        self._memory = np.zeros(len(logits), CANDIDATE)
        self._memory["id"], self._memory["logit"] = np.arange(len(logits)), logits
        data = self._memory.ctypes.data_as(llama_cpp.llama_token_data_p)
        self.array = llama_cpp.llama_token_data_array(data=data, size=len(logits), selected=-1, sorted=False)

    @property
    def left(self) -> np.ndarray:
        """The records that samplers have left, in the order that they gave them."""
        return view(self.array)

    @property
    def drawn(self) -> int | None:
        """The token that a sampler has selected, None while none has."""
        return int(self.left["id"][self.array.selected]) if self.array.selected >= 0 else None

    @property
    def probabilities(self) -> np.ndarray:
        """softmax of the logits left, float64 ``[vocab]``, 0 for a token that is gone."""
        left, found = self.left, np.zeros(len(self._memory))
        logits = left["logit"].astype(np.float64)
        weights = np.exp(logits - logits.max())
        found[left["id"]] = weights / weights.sum()
        return found
