"""A policy at work on one text's logits, a step after the other, in float32 and in place."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, Self

import numpy as np

from edt_sampling.engines.llama_cpp.candidates import view
from edt_sampling.engines.llama_cpp.row import NumpyRow, TemperedRow
from edt_sampling.engines.llama_cpp.text import Text
from edt_sampling.policies import Policy
from edt_sampling.sampling.float32 import on


class Tempering(Text):
    """Divides rows of logits by the temperature that a policy gives them, and remembers what the policy needs of the text."""

    draws = False

    def __init__(self, spec: str | Policy) -> None:
        super().__init__(spec)
        self._row = _row(self.policy.needs)

    def act(self, candidates: Any) -> None:
        """Tempers the logits of a ``llama_token_data_array``; nothing else in it changes."""
        self.apply(view(candidates)["logit"])

    def apply(self, logits: np.ndarray) -> None:
        """Tempers ``logits`` ``[candidates]``, float32 of any stride, in place.

        A row of one candidate, or none, keeps its numbers, and so does one that holds NaN or +inf or nothing but -inf. T below
        ``COLDEST`` leaves the first of the largest alone, and all others at -inf.
        """
        read = self._row.read(np.array(logits, order="C")) if logits.size else None
        if read is None:
            self._record(math.nan, math.nan)
            return
        temperature = self._step(read)
        if logits.size > 1:
            logits[...] = self._row.tempered(temperature)

    def _fresh(self) -> Self:
        return type(self)(self.policy)


def _row(needs: frozenset[str]) -> TemperedRow:
    """The fast kind where numba is installed and not switched off."""
    return import_module("edt_sampling.engines.llama_cpp.compiled_row").CompiledRow(needs=needs) if on("numba") else NumpyRow(needs=needs)
