"""Slots: the policies of an engine whose requests come and go, each in a place of its own."""

from __future__ import annotations

import math
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from edt_sampling.policies.policy import Policy

KIND, OWN, FIRST = 0, 1, 2
"""Where a slot's column holds the number of its policy's type, the engine's own temperature, and the first of the policy's parameters."""
EMPTY = -1.0


class Kind(NamedTuple):
    """A policy type and the number that stands for it in the table."""

    number: int
    policy: type[Policy]


class Slots:
    """A policy or none in each slot, and beside it the engine's own temperature there; there are as many slots as are used.

    ``table`` ``[columns, slots]``, float64, holds all of it, so that one copy brings it to a device; ``version`` changes whenever it does.
    """

    def __init__(self, size: int = 0) -> None:
        self.table = np.empty((FIRST, 0))
        self.version = 0
        self._kinds: list[type[Policy]] = []
        self._reach(size, FIRST)

    def put(self, slot: int, policy: Policy | None, *, temperature: float = 1.0) -> None:
        """Puts a policy into a slot, in the place of what was there; None empties the slot."""
        values = [getattr(policy, f.name) for f in fields(policy)] if policy is not None else []  # type: ignore[arg-type]
        self._reach(slot + 1, FIRST + len(values))
        if policy is None and self.table[KIND, slot] == EMPTY:
            return
        self.version += 1
        self.table[:, slot] = 0.0
        self.table[: FIRST + len(values), slot] = [EMPTY if policy is None else self._number(type(policy)), temperature, *values]

    def move(self, origin: int, target: int) -> None:
        """Moves what is in one slot to another, in the place of what was there."""
        self._reach(max(origin, target) + 1, FIRST)
        held = self.table[:, origin].copy()
        self.put(origin, None)
        self.table[:, target] = held
        self.version += 1

    def swap(self, one: int, other: int) -> None:
        """Exchanges what is in two slots."""
        self._reach(max(one, other) + 1, FIRST)
        self.version += 1
        self.table[:, [one, other]] = self.table[:, [other, one]]

    def kinds(self, slots: Any) -> list[Kind]:
        """The types of the policies in these slots, an array of their numbers or a slice; an empty list where no slot has one."""
        if not self._kinds:
            return []
        numbers = np.unique(self.table[KIND, slots])
        return [Kind(int(n), self._kinds[int(n)]) for n in numbers if n != EMPTY]

    def _number(self, kind: type[Policy]) -> int:
        if kind not in self._kinds:
            self._kinds.append(kind)
        return self._kinds.index(kind)

    def _reach(self, slots: int, columns: int) -> None:
        """Makes the table as large as it must be; twice as many slots where there are too few."""
        had_columns, had = self.table.shape
        if slots <= had and columns <= had_columns:
            return
        grown = np.zeros((max(columns, had_columns), had if slots <= had else max(slots, 2 * had)))
        grown[KIND], grown[OWN] = EMPTY, 1.0
        grown[:had_columns, :had] = self.table
        self.table = grown
        self.version += 1


class SlotRows:
    """The temperatures of a batch, each row's by the policy in its slot, NaN where there is none.

    ``columns`` ``[columns, rows]`` are the rows' columns of a table, or of its copy in the array module ``xp``; ``kinds`` are the types
    that occur in them, every one of which is computed for every row. ``own`` ``[rows]`` is the engine's own temperature, 1 where there
    is no policy.
    """

    def __init__(self, kinds: list[Kind], columns: Any, *, xp: Any) -> None:
        self.needs = frozenset[str]().union(*(kind.policy.needs for kind in kinds))
        self.own = columns[OWN]
        self._kinds, self._columns, self._xp = kinds, columns, xp

    def temperature(self, statistics: Any) -> Any:
        """The temperature of each row, ``[rows]``, from statistics with an array ``[rows]`` for each name in ``needs``."""
        found: Any = math.nan
        for number, policy in self._kinds:
            names = [f.name for f in fields(policy)]  # type: ignore[arg-type]
            parameters = SimpleNamespace(**{name: self._columns[FIRST + i] for i, name in enumerate(names)})
            found = self._xp.where(self._columns[KIND] == number, policy.formula(statistics, parameters, self._xp), found)
        return found
