"""Reading a text: what the model makes of each of its tokens, untempered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edt_sampling.protocol import Reading
from edt_sampling.sampling.contract import COMPUTED, Backend
from edt_sampling.sampling.host import host

BEST = 16
"""So many of the most probable tokens are told of, or all of a smaller vocabulary."""


def check_watch(watch: np.ndarray | None, tokens: int) -> None:
    """Refuses tokens to watch that are not a row for each of the text's."""
    if watch is not None and (watch.ndim != 2 or len(watch) != tokens):
        raise ValueError(f"watch must be [tokens, width] with a row for each of the text's {tokens} tokens, got shape {watch.shape}")


def reading(logits: Any, text: Sequence[int], *, watch: np.ndarray | None, backend: Backend) -> Reading:
    """What the model makes of the tokens ``text`` whose logits ``[tokens, vocab]`` these are; see ``Engine.read``."""
    found = backend.statistics(logits, needs=COMPUTED)
    columns = {name: host(getattr(found, name)) for name in ("entropy", "max_probability", "margin", "varentropy")}
    own, raw = np.array(text)[:, None], host(logits)
    best = _best(raw)
    at = np.concatenate([best if watch is None else watch, own], axis=-1).astype(np.int64)
    shifted = np.take_along_axis(raw, at, -1).astype(np.float64) - raw.max(-1, keepdims=True)
    probability = np.exp(shifted) * columns["max_probability"][:, None]
    return Reading(
        tokens=np.array(text), **columns, probability=probability[:, -1], rank=_rank(raw, own), best=best, watched=probability[:, :-1]
    )


def _rank(logits: np.ndarray, own: np.ndarray) -> np.ndarray:
    """How many tokens stand before ``own`` ``[tokens, 1]``: the larger ones, and equal ones of a lower index."""
    at = np.take_along_axis(logits, own, -1)
    return (logits > at).sum(-1) + ((logits == at) & (np.arange(logits.shape[-1]) < own)).sum(-1)


def _best(logits: np.ndarray) -> np.ndarray:
    """The ``BEST`` largest, the largest first, equal ones by index, without sorting the rows."""
    width = min(BEST, logits.shape[-1])
    edges = np.partition(logits, -width, axis=-1)[:, -width]
    candidates = (np.flatnonzero(row >= edge) for row, edge in zip(logits, edges, strict=True))
    return np.stack([c[np.argsort(-row[c], kind="stable")][:width] for row, c in zip(logits, candidates, strict=True)])
