"""When a row ends: the model's end tokens, stop strings, the length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edt_sampling.protocol import Finish

_MARGIN = 4  # tokens: a tokenizer may drop a space at the start of what it decodes


class Stopping:
    """Says which rows have ended, and cuts a finished row's text."""

    def __init__(self, tokenizer: Any, end_tokens: Sequence[int], stop: Sequence[str]) -> None:
        self._tokenizer, self._stop = tokenizer, tuple(stop)
        self._end = np.array(sorted(end_tokens), dtype=np.int64)
        self._window = max((len(s.encode()) for s in stop), default=0) + _MARGIN

    def ended(self, tokens: np.ndarray) -> np.ndarray:
        """For rows of tokens ``[rows, so far]``, whether the last token ended each."""
        ended = (tokens[:, -1:] == self._end).any(axis=1)  # np.isin takes five times as long for so few
        if self._stop:
            tails = self._tokenizer.batch_decode(tokens[:, -self._window :], skip_special_tokens=True)
            ended |= np.array([any(s in tail for s in self._stop) for tail in tails])
        return ended

    def finish(self, tokens: np.ndarray) -> tuple[str, Finish]:
        """The text of a row's tokens, without what ended it, and what that was."""
        text = self._tokenizer.decode(tokens, skip_special_tokens=True)
        cuts = [at for s in self._stop if (at := text.find(s)) >= 0]
        if cuts:
            return text[: min(cuts)], "stop"
        return text, "end" if len(tokens) and (tokens[-1] == self._end).any() else "length"
