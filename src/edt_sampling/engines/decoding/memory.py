"""What rows remember from step to step: statistics and limits that the logits of a step do not hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from edt_sampling.sampling.contract import Backend
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.host import host
from edt_sampling.sampling.statistics import Kept

REMEMBERED = frozenset({"first_entropy", "running_entropy"})


class Memory:
    """The first step's entropy, the sum of all steps', and the surprise that mirostat allows, ``[rows]`` each."""

    def __init__(self, rows: int, *, backend: Backend) -> None:
        self._backend = backend
        self._first, self._sum, self._allowed = (np.zeros(rows) for _ in range(3))

    def recall(self, rows: np.ndarray, logits: Any, step: int, *, needs: frozenset[str], filters: Filters) -> Kept:
        """What these rows need at this step, counted from 0, whose ``logits`` ``[rows, vocab]`` are; called once a step and row."""
        found: Kept = {}
        if "running_entropy" in needs or ("first_entropy" in needs and step == 0):
            entropy = host(self._backend.statistics(logits, filters=filters, needs=frozenset({"entropy"})).entropy)
            self._sum[rows] += entropy
            if step == 0:
                self._first[rows] = entropy
        if "first_entropy" in needs:
            found["first_entropy"] = self._first[rows]
        if "running_entropy" in needs:
            found["running_entropy"] = self._sum[rows] / (step + 1)
        if filters.mirostat:
            if step == 0:
                self._allowed[rows] = filters.mirostat.first
            found["allowed_surprise"] = self._allowed[rows]
        return found

    def drew(self, rows: np.ndarray, probability: Any, *, filters: Filters) -> None:
        """Takes note of the probabilities, among the tokens left, that the rows' tokens were drawn with."""
        if filters.mirostat:
            self._allowed[rows] = filters.mirostat.following(self._allowed[rows], host(probability), np)
