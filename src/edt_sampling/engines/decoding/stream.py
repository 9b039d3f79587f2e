"""Rows of text that a model writes: a token a row goes in, logits come out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Stream(Protocol):
    """Rows over one prompt or several, and the keys and values behind them."""

    logits: Any
    """``[rows, vocab]``, of the tokens that come next; an array of the engine's backend."""

    @property
    def bytes(self) -> int:
        """What its keys and values take, shared prefixes counted once."""
        ...

    def step(self, tokens: np.ndarray) -> None:
        """Appends ``tokens`` ``[rows]`` and computes the logits that follow."""
        ...

    def keep(self, rows: np.ndarray) -> None:
        """Goes on with these rows only, by number, in this order."""
        ...
