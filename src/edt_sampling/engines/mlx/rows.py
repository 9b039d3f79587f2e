"""What policies make of the rows that mlx-lm hands over, step by step."""

from __future__ import annotations

from typing import Any

import mlx.core as mx

from edt_sampling.engines.one_a_row import Policies, one_a_row, read_policies
from edt_sampling.sampling import mlx as backend
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.statistics import Kept

KEEPS = frozenset({"first_entropy", "running_entropy"})
"""What can be kept of a text whose every step is seen once, in order."""


class TemperedRows:
    """Tempers logits ``[rows, vocab]`` under one policy for all rows, or one a row; filters where they are given.

    ``entropy`` (nats) and ``temperature`` ``[rows]`` are those of the last step, None before the first; nothing is computed on their
    account until somebody looks. Policies that remember their text (``instance-edt``, ``instance-edt-running``) serve one text, from
    its first step: a new object for each.
    """

    def __init__(self, policies: Policies, *, filters: Filters = UNFILTERED, keeper: str) -> None:
        self.policies = read_policies(policies, keeps=KEEPS, keeper=keeper)
        self.filters = filters
        self.entropy: mx.array | None = None
        self.temperature: mx.array | None = None
        self._mixture: Any = None
        self._remembers = next((p.name for p in self.policies if p.needs & KEEPS), None)
        self._steps = 0
        self._first, self._sum = mx.zeros(1), mx.zeros(1)

    def __call__(self, logits: mx.array) -> mx.array:
        """The logits tempered, float32, -inf where a filter drops a token."""
        rows = logits.shape[0]
        if self._mixture is None or len(self._mixture.policies) != rows:
            self._mixture = backend.mixture(one_a_row(self.policies, rows))
        given = self._recall(logits) if self._remembers else {}
        tempered, self.entropy, self.temperature = backend.temper(logits, self._mixture, filters=self.filters, **given)
        return tempered

    def _recall(self, logits: mx.array) -> Kept:
        """The entropies of the text so far, this step's included."""
        if logits.shape[0] != 1:
            raise ValueError(
                f"policy {self._remembers} remembers its text, so its logits must be one row a call, got {logits.shape[0]}: "
                "give each text a sampler or processor of its own"
            )
        entropy = backend.statistics(logits, filters=self.filters).entropy
        self._first = entropy if self._steps == 0 else self._first
        self._sum, self._steps = self._sum + entropy, self._steps + 1
        return {"first_entropy": self._first, "running_entropy": self._sum / self._steps}
