"""What conformance asks of an engine: rows of given logits, and the bundled model's own steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What an engine makes of given logits: ``entropy`` (nats) and ``temperature`` ``[rows]``, ``probabilities`` ``[rows, vocab]`` after
    temperature and top-p; ``tokens`` ``[rows]`` for the given uniforms, None where the engine draws with random numbers of its own."""

    entropy: np.ndarray
    temperature: np.ndarray
    probabilities: np.ndarray
    tokens: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What an engine read at each token of a text that it was made to write: ``entropy`` (nats) and ``temperature`` ``[tokens]``."""

    entropy: np.ndarray
    temperature: np.ndarray


class Subject(Protocol):
    """An engine under test; making one loads nothing, ``open`` loads the bundled model.

    ``sampler`` says in a few words which steps of the engine the rows went through; ``rows_margin`` is the largest error of H, T and p
    there, ``steps_margin`` that of H and T on the bundled model: 5e-3 where keys and values are kept in float16.
    """

    engine: str
    sampler: str
    rows_margin: float
    steps_margin: float

    def versions(self) -> str:
        """The engine's library and its version, as in ``mlx-lm 0.32.2``."""
        ...

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        """What the engine's own sampler makes of ``logits`` ``[rows, vocab]`` float32, -inf masking a token, under one policy a row."""
        ...

    def open(self) -> None:
        """Loads the bundled model, in float32."""
        ...

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        """The engine's H and T at each token of ``text`` behind ``prompt``, under one policy."""
        ...

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        """The engine's own greedy continuation of ``prompt``, so many tokens or up to the end token, which it includes."""
        ...

    def close(self) -> None:
        """Lets go of the model."""
        ...


class NotPossible(Exception):  # noqa: N818 - a verdict, no mistake
    """An engine cannot do here what it is asked for; the message says why."""
