"""Logits tempered between two steps of a user's own loop: GenAI draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from edt_sampling.engines.decoding.memory import REMEMBERED, Memory
from edt_sampling.engines.one_a_row import Policies, one_a_row, read_policies
from edt_sampling.policies import Mixture
from edt_sampling.sampling.contract import COLDEST
from edt_sampling.sampling.dispatch import numpy_backend
from edt_sampling.sampling.filters import UNFILTERED
from edt_sampling.sampling.float32 import HOTTEST


class PolicyTemper:
    """Called with a generator ahead of every ``generate_next_token``, divides its logits by the temperatures that the policies give: all of
    it, so that the generator's own ``temperature`` must be 1.

    ``policies`` is one policy or spec string for all rows, or a list with one a row. GenAI's penalties, guidance, top-k and top-p come
    behind. A row at T = 0 keeps its first maximum alone. ``entropy`` (nats) and ``temperature`` ``[rows]``, float64, are those of the last
    step. One object serves one generator, from its first step.
    """

    def __init__(self, policies: Policies) -> None:
        self._policies = read_policies(policies, keeps=REMEMBERED, keeper="the ONNX Runtime GenAI loop")
        self.entropy = self.temperature = np.empty(0)
        self._mixture: Mixture | None = None
        self._memory: Memory | None = None
        self._steps = 0
        self._backend = numpy_backend()

    def __call__(self, generator: Any) -> None:
        """Tempers the generator's logits in place; raises ValueError for a row with NaN, +inf or nothing but -inf."""
        logits = generator.get_logits()
        rows = logits.reshape(len(logits), -1)
        generator.set_logits(self.tempered(rows).reshape(logits.shape))

    def tempered(self, logits: np.ndarray) -> np.ndarray:
        """Logits ``[rows, vocab]`` divided, their maximum 0, float32."""
        mixture, memory = self._begin(len(logits))
        kept = memory.recall(np.arange(len(logits)), logits, self._steps, needs=mixture.needs, filters=UNFILTERED)
        self._steps += 1
        read = self._backend.statistics(logits, needs=mixture.needs)
        self.entropy, self.temperature = read.entropy, self._backend.temperature_at(read, mixture, **kept)
        return _divided(logits, self.temperature)

    def _begin(self, rows: int) -> tuple[Mixture, Memory]:
        if self._mixture is None or self._memory is None:
            self._mixture = self._backend.mixture(one_a_row(self._policies, rows), like=None)
            self._memory = Memory(rows, backend=self._backend)
        return self._mixture, self._memory


def _divided(logits: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    best = logits.argmax(-1)[:, None]
    scaled = (logits - np.take_along_axis(logits, best, -1)).astype(np.float32, copy=False)
    scaled *= (1 / np.clip(temperature, COLDEST, HOTTEST)).astype(np.float32)[:, None]
    scaled[temperature < COLDEST] = -np.inf
    np.put_along_axis(scaled, best, 0, -1)
    return scaled
