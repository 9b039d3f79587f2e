"""The policies of one batch, one a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from edt_sampling.policies.policy import Policy


class Mixture:
    """Rows grouped by policy type, their parameters as columns, so that each formula runs once a batch.

    Built once a batch: ``xp`` is the array module, ``array`` makes one of its arrays from a list of floats,
    ``index`` from a list of row numbers.
    """

    def __init__(
        self, policies: Sequence[Policy], *, xp: Any, array: Callable[[list[float]], Any], index: Callable[[list[int]], Any]
    ) -> None:
        self.policies = tuple(policies)
        self.needs = frozenset[str]().union(*(p.needs for p in self.policies))
        self._xp = xp
        self._none = array([])
        kinds: dict[type[Policy], list[int]] = {}
        for row, policy in enumerate(self.policies):
            kinds.setdefault(type(policy), []).append(row)
        self._groups = [(kind, index(rows), _columns([self.policies[r] for r in rows], array)) for kind, rows in kinds.items()]
        order = [row for rows in kinds.values() for row in rows]
        self._restore = index(sorted(range(len(order)), key=order.__getitem__))

    def temperature(self, statistics: Any) -> Any:
        """The temperature of each row, ``[rows]``, from statistics with an array ``[rows]`` for each name in ``needs``."""
        if not self._groups:
            return self._none
        if len(self._groups) == 1:
            kind, _, columns = self._groups[0]
            return kind.formula(statistics, columns, self._xp)
        parts = [
            kind.formula(SimpleNamespace(**{name: getattr(statistics, name)[rows] for name in kind.needs}), columns, self._xp)
            for kind, rows, columns in self._groups
        ]
        return self._xp.concatenate(parts)[self._restore]


def _columns(policies: Sequence[Policy], array: Callable[[list[float]], Any]) -> SimpleNamespace:
    """The parameters of policies of one type, a column for each."""
    return SimpleNamespace(**{f.name: array([getattr(p, f.name) for p in policies]) for f in fields(policies[0])})  # type: ignore[arg-type]
