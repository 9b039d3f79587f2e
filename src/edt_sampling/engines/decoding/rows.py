"""The rows that decode together: what each one is, and what has happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edt_sampling.engines.decoding.memory import Memory
from edt_sampling.policies import Policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling.contract import Backend, Draw
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.host import host
from edt_sampling.sampling.philox import uniforms
from edt_sampling.sampling.statistics import Kept


@dataclass(frozen=True)
class Row:
    """Sample ``sample`` of setting ``setting`` of request number ``request`` in its batch."""

    request: int
    setting: int
    sample: int


def rows_of(batch: Sequence[Request]) -> Iterator[Row]:
    """The rows of requests in turn, settings in order and samples within them."""
    for index, request in enumerate(batch):
        for setting in range(len(request.settings)):
            for sample in range(request.samples):
                yield Row(index, setting, sample)


class Rows:
    """Random numbers, policies and outputs of a batch of rows, ``[rows, steps]``, NumPy arrays all.

    ``foreseen`` holds, for each request, the statistics that were known before its texts began; ``like`` are logits of the kind that
    ``backend`` is for.
    """

    def __init__(
        self, requests: Sequence[Request], rows: Sequence[Row], *, foreseen: Sequence[Mapping[str, float]], backend: Backend, like: Any
    ) -> None:
        self.rows = list(rows)
        self.steps = requests[0].max_new_tokens
        self._requests, self._backend, self._like = requests, backend, like
        tables = [uniforms(r.seed, r.id, np.arange(r.samples), self.steps) for r in requests]  # every setting draws the same numbers
        self._uniforms = np.stack([tables[row.request][row.sample] for row in self.rows])
        self._scheduled = np.stack([_schedule(requests[row.request], row) for row in self.rows])
        self._foreseen = {name: self._of_requests(foreseen, name) for name in frozenset[str]().union(*foreseen)}
        self._memory = Memory(len(self.rows), backend=backend)
        shape = (len(self.rows), self.steps)
        self.tokens = np.zeros(shape, dtype=np.int64)
        self.entropy, self.temperature, self.probability = (np.zeros(shape, dtype=np.float32) for _ in range(3))
        self.live = np.arange(len(self.rows))
        self._group()

    def _of_requests(self, foreseen: Sequence[Mapping[str, float]], name: str) -> np.ndarray:
        """A number of each row's request; 0 where the request has none, because no policy of it reads it."""
        return np.array([foreseen[row.request].get(name, 0.0) for row in self.rows])

    @property
    def guided(self) -> list[int]:
        """The rows whose policies read the divergence to the distribution without the evidence."""
        return [number for number in range(len(self.rows)) if "kl" in self._setting(number).policy.needs]

    def _group(self) -> None:
        """Live rows by their filters, each group with its mixture of policies."""
        groups: dict[Filters, list[int]] = {}
        for position, row in enumerate(self.live.tolist()):
            groups.setdefault(self._setting(row).filters, []).append(position)
        self._groups = [
            (filters, np.array(positions), self._backend.mixture(self._policies(positions), like=self._like))
            for filters, positions in groups.items()
        ]

    def _policies(self, positions: Sequence[int]) -> list[Policy]:
        live = self.live.tolist()
        return [self._setting(live[p]).policy for p in positions]

    def _setting(self, row: int) -> Setting:
        return self._requests[self.rows[row].request].settings[self.rows[row].setting]

    def draw(self, logits: Any, step: int, *, kl: np.ndarray | None = None) -> np.ndarray:
        """Draws the token of each live row from ``logits`` ``[live, vocab]``, records it, and returns the tokens; ``kl`` ``[live]``."""
        tokens = np.zeros(len(self.live), dtype=np.int64)
        for filters, positions, mixture in self._groups:
            rows = self.live[positions]
            own = logits if len(positions) == len(logits) else logits[positions]
            kept = self._memory.recall(rows, own, step, needs=mixture.needs, filters=filters)
            kept |= self._known(rows, step, mixture.needs)
            if kl is not None and "kl" in mixture.needs:
                kept["kl"] = kl[positions]
            drawn = self._backend.draw(own, mixture, uniform=self._uniforms[rows, step], filters=filters, **kept)
            self._memory.drew(rows, drawn.probability, filters=filters)
            tokens[positions] = self._record(rows, step, drawn)
        return tokens

    def _known(self, rows: np.ndarray, step: int, needs: frozenset[str]) -> Kept:
        """The statistics of these rows that were given or foreseen, as far as they are needed."""
        known: Kept = {}
        if "scheduled" in needs:
            known["scheduled"] = self._scheduled[rows, step]
        if "prompt_entropy" in needs:
            known["prompt_entropy"] = self._foreseen["prompt_entropy"][rows]
        if "draft_entropy" in needs:
            known["draft_entropy"] = self._foreseen["draft_entropy"][rows]
        return known

    def _record(self, rows: np.ndarray, step: int, drawn: Draw) -> np.ndarray:
        for name in ("entropy", "temperature", "probability"):
            getattr(self, name)[rows, step] = host(getattr(drawn, name))
        self.tokens[rows, step] = host(drawn.token)
        return self.tokens[rows, step]

    def keep(self, positions: np.ndarray) -> None:
        """Goes on with the live rows at these positions only."""
        self.live = self.live[positions]
        self._group()


def _schedule(request: Request, row: Row) -> np.ndarray:
    """The temperatures that a request gives a row, ``[steps]``; 0 where its policy reads none."""
    given = request.schedules.get(row.setting)
    return np.zeros(request.max_new_tokens) if given is None else np.asarray(given[row.sample], dtype=np.float64)
