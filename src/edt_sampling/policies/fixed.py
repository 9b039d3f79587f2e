"""One temperature for every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Fixed(Policy):
    """T = temperature; 0 is greedy. Source: Ackley, Hinton, Sejnowski 1985."""

    name: ClassVar[str] = "fixed"
    needs: ClassVar[frozenset[str]] = frozenset()

    temperature: float = parameter(at_least=0)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return p.temperature
