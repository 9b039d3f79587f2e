"""A model of mlx-lm for the engine of ``engines/decoding``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models.cache import make_prompt_cache

from edt_sampling.engines.mlx.stream import MlxStream, on_host, passes

CACHE_BYTES = 1 << 30
WIDE = 256
"""Positions whose logits are held at once, and those by which mlx-lm's caches grow."""


class MlxModel:
    """A model and its tokenizer as mlx-lm loads them. Rows are copies of their prompt's cache, under ``cache_bytes`` together.

    Refused: a model whose cache mlx-lm cannot batch.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, name: str, fingerprint: str, positions: int | None, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self.name, self.fingerprint, self.positions = name, fingerprint, positions
        self.tokenizer, self.end_tokens = tokenizer._tokenizer, sorted(tokenizer.eos_token_ids)  # the wrapper cannot be called
        self._model, self._cache_bytes = model, cache_bytes
        self._bytes_a_position = self._probe() / WIDE

    def _probe(self) -> int:
        """What the cache of one token takes, which has room for ``WIDE``; states of a fixed size count as if they grew too."""
        cache: list[Any] = make_prompt_cache(self._model)
        fixed = sorted({type(layer).__name__ for layer in cache if not hasattr(layer, "merge")})
        if fixed:
            raise ValueError(
                f"model {self.name!r} keeps its state in {', '.join(fixed)}, which mlx-lm cannot batch: use engine transformers"
            )
        list(passes(self._model, [0], cache))
        return sum(layer.nbytes for layer in cache)

    def begin(self, prompt: Sequence[int], *, rows: int, room: int) -> MlxStream:
        """So many rows behind one prompt; caches grow as they are filled."""
        return MlxStream(self._model, prompt, rows=rows)

    def rows_at_once(self, prompt: int, *, room: int) -> int:
        """How many rows behind a prompt of so many tokens fit under ``cache_bytes``."""
        return int(self._cache_bytes / (self._bytes_a_position * (prompt + room + WIDE)))

    def logits(self, tokens: Sequence[int], *, last: int) -> np.ndarray:
        """The logits behind each of the last tokens, ``[last, vocab]``, from one pass in chunks; those before are never computed."""
        cache: list[Any] = make_prompt_cache(self._model)
        before = len(tokens) - last
        list(passes(self._model, tokens[:before], cache))
        return np.concatenate([on_host(part[0]) for part in passes(self._model, tokens[before:], cache, chunk=WIDE)])

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know to repeat them; MLX has no number of threads to tell."""
        weights: list[Any] = [value for _, value in tree_flatten(self._model.parameters())]
        return {
            "engine": "mlx",
            "mlx": version("mlx"),
            "mlx_lm": version("mlx-lm"),
            "parameters": sum(w.size for w in weights),
            "device": str(mx.default_device()),
            "dtype": ", ".join(sorted({str(w.dtype).removeprefix("mlx.core.") for w in weights})),
            "prefix": "copied",
        }
