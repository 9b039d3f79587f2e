"""llama.cpp's candidates, the tokens that its samplers hand on to each other, as NumPy arrays over the same memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.sampling.contract import COLDEST, HOTTEST
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.float32 import on
from edt_sampling.sampling.reference_filters import kept

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""``struct llama_token_data``."""


def view(candidates: Any) -> np.ndarray:
    """The records of a ``llama_token_data_array``, ``[size]`` of ``CANDIDATE``; writing to them writes to llama.cpp's memory."""
    if not candidates.size:
        return np.empty(0, CANDIDATE)
    address = ctypes.addressof(candidates.data.contents)
    return np.frombuffer((ctypes.c_char * (candidates.size * CANDIDATE.itemsize)).from_address(address), CANDIDATE)


class InOrder:
    """Reads candidates in the order of their tokens' numbers, into memory of its own: fresh memory would take as long to come by as the
    copy takes."""

    def __init__(self) -> None:
        compiled = import_module("edt_sampling.engines.llama_cpp.numba_candidates") if on("numba") else None
        self._gather: Callable[[np.ndarray, np.ndarray], bool] = compiled.gather if compiled else gather
        self._room = np.empty(0, np.float32)

    def read(self, records: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The logits, which stay until the next call, and the place of each among the records; None where those stand in order."""
        if len(records) > len(self._room):
            self._room = np.empty(len(records), np.float32)
        logits = self._room[: len(records)]
        if self._gather(records.view(np.int32), logits.view(np.int32)):
            return logits, None
        order = np.argsort(records["id"])
        return logits[order], order


def gather(words: np.ndarray, logits: np.ndarray) -> bool:
    """See ``numba_candidates.gather``."""
    logits[...] = words[1::3]
    return bool((words[3::3] > words[:-3:3]).all())


def fill(records: np.ndarray, *, temperature: float, filters: Filters) -> None:
    """Writes what a sampler that draws has drawn from: logits as the temperature and the filters behind it leave them, -inf for a token
    that they drop, and each token's probability; computed in float64."""
    logits, order = InOrder().read(records)
    shifted = logits.astype(np.float64) - logits.max()
    if temperature < COLDEST:
        logs = np.where(np.arange(len(shifted)) == shifted.argmax(), 0.0, -np.inf)
    else:
        logs = shifted / min(temperature, HOTTEST)
    weights = np.exp(logs)
    keep = kept(logs[None], weights[None], filters.after)[0]
    places = slice(None) if order is None else order
    records["logit"][places] = np.where(keep, logs, -np.inf)
    records["p"][places] = np.where(keep, weights, 0) / weights[keep].sum()


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
