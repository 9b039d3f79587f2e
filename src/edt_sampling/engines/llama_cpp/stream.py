"""Rows of text over one prompt, a sequence of llama.cpp's each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edt_sampling.engines.llama_cpp.context import Context


class SequenceStream:
    """``rows`` sequences behind one prompt, whose cells they share; see ``decoding.stream.Stream``. A cell takes ``cell_bytes``."""

    def __init__(self, context: Context, prompt: Sequence[int], *, rows: int, cell_bytes: int) -> None:
        self._context, self._cell_bytes, self._prompt, self._steps = context, cell_bytes, len(prompt), 0
        size = len(prompt)
        first = context.decode(np.array(prompt), positions=np.arange(size), sequences=np.zeros(size), wanted=np.arange(size) == size - 1)
        context.share(rows)
        self._sequences = np.arange(rows)
        self.logits = np.repeat(first, rows, axis=0)

    @property
    def bytes(self) -> int:
        """What its keys and values take, the prompt's counted once."""
        return (self._prompt + len(self._sequences) * self._steps) * self._cell_bytes

    def step(self, tokens: np.ndarray) -> None:
        """Appends ``tokens`` ``[rows]`` and computes the logits that follow."""
        rows = len(self._sequences)
        positions = np.full(rows, self._prompt + self._steps)
        self.logits = self._context.decode(tokens, positions=positions, sequences=self._sequences, wanted=np.ones(rows, bool))
        self._steps += 1

    def keep(self, rows: np.ndarray) -> None:
        """Goes on with these rows only, by number, in this order."""
        kept = self._sequences[rows]
        for sequence in np.setdiff1d(self._sequences, kept).tolist():
            self._context.drop(sequence)
        self._sequences, self.logits = kept, self.logits[rows]
