"""The rows that decode together: what each one is, and what has happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from edt_sampling.policies import Policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import Draw, Filters, uniforms
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.statistics import Kept


@dataclass(frozen=True)
class Row:
    """Sample ``sample`` of setting ``setting`` of request number ``request`` in its batch."""

    request: int
    setting: int
    sample: int


class Rows:
    """Random numbers, policies and outputs of a batch of rows, ``[rows, steps]``."""

    def __init__(self, requests: Sequence[Request], rows: Sequence[Row], *, like: torch.Tensor) -> None:
        self.rows = list(rows)
        self.steps = requests[0].max_new_tokens
        self._requests = requests
        self._like = like
        tables = [uniforms(r.seed, r.id, np.arange(r.samples), self.steps) for r in requests]  # every setting draws the same numbers
        self._uniforms = torch.from_numpy(np.stack([tables[row.request][row.sample] for row in self.rows])).to(like.device)
        self._scheduled = torch.from_numpy(np.stack([_schedule(requests[row.request], row) for row in self.rows])).to(like.device)
        self._first_entropy = torch.zeros(len(self.rows), dtype=torch.float64, device=like.device)
        shape = (len(self.rows), self.steps)
        self.tokens = np.zeros(shape, dtype=np.int64)
        self.entropy, self.temperature, self.probability = (np.zeros(shape, dtype=np.float32) for _ in range(3))
        self.live = torch.arange(len(self.rows))
        self._group()

    def _group(self) -> None:
        """Live rows by their filters, each group with its mixture of policies."""
        groups: dict[Filters, list[int]] = {}
        for position, row in enumerate(self.live.tolist()):
            groups.setdefault(self._setting(row).filters, []).append(position)
        self._groups = [
            (filters, torch.tensor(positions), backend.mixture(self._policies(positions), like=self._like))
            for filters, positions in groups.items()
        ]

    def _policies(self, positions: Sequence[int]) -> list[Policy]:
        live = self.live.tolist()
        return [self._setting(live[p]).policy for p in positions]

    def _setting(self, row: int) -> Setting:
        return self._requests[self.rows[row].request].settings[self.rows[row].setting]

    def draw(self, logits: torch.Tensor, step: int) -> np.ndarray:
        """Draws the token of each live row from ``logits`` ``[live, vocab]``, records it, and returns the tokens."""
        tokens = np.zeros(len(self.live), dtype=np.int64)
        for filters, positions, mixture in self._groups:
            rows = self.live[positions]
            own = logits if len(positions) == len(logits) else logits[positions]
            if step == 0 and "first_entropy" in mixture.needs:
                self._first_entropy[rows] = backend.statistics(own, filters=filters).entropy
            kept = self._kept(rows, step, mixture.needs)
            drawn = backend.draw(own, mixture, uniform=self._uniforms[rows, step], filters=filters, **kept)
            tokens[positions.numpy()] = self._record(rows.numpy(), step, drawn)
        return tokens

    def _kept(self, rows: torch.Tensor, step: int, needs: frozenset[str]) -> Kept:
        """The statistics kept for these rows, as far as they are needed."""
        kept: Kept = {}
        if "first_entropy" in needs:
            kept["first_entropy"] = self._first_entropy[rows]
        if "scheduled" in needs:
            kept["scheduled"] = self._scheduled[rows, step]
        return kept

    def _record(self, rows: np.ndarray, step: int, drawn: Draw) -> np.ndarray:
        for name in ("entropy", "temperature", "probability"):
            getattr(self, name)[rows, step] = getattr(drawn, name).cpu().numpy()
        self.tokens[rows, step] = drawn.token.cpu().numpy()
        return self.tokens[rows, step]

    def keep(self, positions: torch.Tensor) -> None:
        """Goes on with the live rows at these positions only."""
        self.live = self.live[positions]
        self._group()


def _schedule(request: Request, row: Row) -> np.ndarray:
    """The temperatures that a request gives a row, ``[steps]``; 0 where its policy reads none."""
    given = request.schedules.get(row.setting)
    return np.zeros(request.max_new_tokens) if given is None else np.asarray(given[row.sample], dtype=np.float64)
