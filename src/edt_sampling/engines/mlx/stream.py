"""Rows behind one prompt: mlx-lm's own batch caches, which every row of the prompt's cache is copied into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm.models.cache import make_prompt_cache

CHUNK = 512
"""Prompt tokens in one pass."""


class MlxStream:
    """``rows`` rows behind ``prompt``, which is read once. ``logits`` ``[rows, vocab]``, NumPy, float32."""

    def __init__(self, model: Any, prompt: Sequence[int], *, rows: int) -> None:
        cache = make_prompt_cache(model)
        *_, last = passes(model, prompt, cache)
        self._model = model
        self._cache = [layer.merge([layer] * rows) for layer in cache]
        self.logits = np.repeat(on_host(last[:, -1]), rows, axis=0)

    @property
    def bytes(self) -> int:
        """What its keys and values take."""
        return sum(layer.nbytes for layer in self._cache)

    def step(self, tokens: np.ndarray) -> None:
        """Appends ``tokens`` ``[rows]`` and computes the logits that follow."""
        self.logits = on_host(self._model(mx.array(tokens)[:, None], cache=self._cache)[:, -1])

    def keep(self, rows: np.ndarray) -> None:
        """Goes on with these rows only."""
        for layer in self._cache:
            layer.filter(rows.tolist())


def passes(model: Any, tokens: Sequence[int], cache: list[Any], *, chunk: int = CHUNK) -> Iterator[mx.array]:
    """The logits ``[1, tokens, vocab]`` of each pass over so many tokens. They are computed only where somebody looks; the cache is."""
    for start in range(0, len(tokens), chunk):
        logits = model(mx.array(list(tokens[start : start + chunk]))[None], cache=cache)
        mx.eval([layer.state for layer in cache])
        yield logits


def on_host(logits: mx.array) -> np.ndarray:
    """A NumPy array of float32, whatever the model's dtype."""
    return np.array(logits.astype(mx.float32))
