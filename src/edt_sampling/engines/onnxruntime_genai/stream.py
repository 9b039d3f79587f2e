"""Rows behind one prompt: a GenAI generator that is told which token each row takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edt_sampling.engines.onnxruntime_genai.generation import new_generator

_OUT = -1e4


class OnnxStream:
    """``rows`` rows behind ``prompt``, of at most ``room`` tokens each. ``logits`` ``[rows, vocab]``, NumPy, float32.

    GenAI appends tokens of the caller's to a single text only; rows of several take the token whose logit is set above all others, and
    a row that took an end token is dead. Rows that are not kept stay where they are, and take that token.
    """

    def __init__(self, model: Any, prompt: Sequence[int], *, rows: int, room: int, end: int, row_bytes: int) -> None:
        self._generator = new_generator(model, rows=rows, length=len(prompt) + room)
        self._generator.append_tokens(np.tile(np.array(prompt, dtype=np.int32), (rows, 1)))
        self._rows, self._live, self._end, self._row_bytes = rows, np.arange(rows), end, row_bytes
        self._read()

    @property
    def bytes(self) -> int:
        """What its keys and values take: all of it is taken at the start."""
        return self._rows * self._row_bytes

    def step(self, tokens: np.ndarray) -> None:
        """Appends ``tokens`` ``[rows]`` and computes the logits that follow."""
        chosen = np.full(self._rows, self._end)
        chosen[self._live] = tokens
        wanted = np.full((self._rows, 1, self.logits.shape[1]), _OUT, dtype=np.float32)
        wanted[np.arange(self._rows), 0, chosen] = 0
        self._generator.set_logits(wanted)
        self._generator.generate_next_token()
        self._read()

    def keep(self, rows: np.ndarray) -> None:
        """Goes on with these rows only."""
        self._live = self._live[rows]

    def _read(self) -> None:
        self.logits = self._generator.get_logits()[self._live, -1]
