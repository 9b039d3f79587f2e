"""A row of logits in the compiled loops of ``sampling/numba_kernels.py``, called with as little Python as there can be.

Between two tokens a model's weights have swept the processor's caches: every line of Python then takes several times as long as in a loop.
"""

from __future__ import annotations

import math

import numpy as np

from edt_sampling.engines.llama_cpp.row import divided
from edt_sampling.sampling import numba, numba_kernels
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.statistics import Statistics


class CompiledRow:
    """See ``row.TemperedRow`` and ``row.DrawnRow``; right to about 1e-6. Knows the filters of ``float32.knows``."""

    def __init__(self, *, needs: frozenset[str], filters: Filters = UNFILTERED) -> None:
        self._filters = filters.after
        self._scales = np.array([numba_kernels.LOG2E], np.float32)
        self._largest, self._best = np.empty(1, np.float32), np.empty(1, np.int64)
        self._t, self._uniform, self._token, self._probability = np.empty(1), np.empty(1), np.empty(1, np.int64), np.empty(1)
        entropy, highest, self._mean = np.empty(1), np.empty(1), np.empty(1)
        self._extras = tuple(np.empty(1) for _ in range(3)) if needs & numba.EXTRAS else ()
        self._statistics = Statistics(entropy, highest, *self._extras)

    def read(self, logits: np.ndarray) -> Statistics | None:
        self._logits, words, found = logits, len(logits), self._statistics
        maximum = (self._scales, self._largest, self._best)
        numba_kernels.read_rows(logits, words, words, 0, 1, *maximum, found.entropy, found.max_probability, self._mean)
        if not math.isfinite(self._largest[0]):
            return None
        if self._extras:
            numba_kernels.extras_of_rows(logits, words, words, 0, 1, *maximum, found.max_probability, self._mean, *self._extras)
        return found

    def tempered(self, temperature: float) -> np.ndarray:
        self._logits -= self._largest
        return divided(self._logits, int(self._best[0]), temperature)

    def drawn(self, temperature: float, *, uniform: float) -> tuple[int, float]:
        if self._filters:
            return self._drawn_within(temperature, uniform)
        words = len(self._logits)
        self._t[0], self._uniform[0] = temperature, uniform
        place = (self._t, self._largest, self._best, self._uniform, self._token, self._probability)
        numba_kernels.pick_rows(self._logits, words, words, 0, 1, *place)
        return int(self._token[0]), float(self._probability[0])

    def _drawn_within(self, temperature: float, uniform: float) -> tuple[int, float]:
        words = len(self._logits)
        there = numba.Rows(self._logits, words, 1, words)
        found = numba.Read(self._largest, self._best, self._statistics)
        token, probability = numba.pick(there, found, np.array([temperature]), np.array([uniform]), self._filters)
        return int(token[0]), float(probability[0])
