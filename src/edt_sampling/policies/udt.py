"""Uncertainty-based dynamic temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.edt import damped
from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class UDT(Policy):
    """T = t0 * base ** (theta / (1 - max p)): EDT with the probability missed by the best token in the place of H.

    Source: the UDT baseline of arXiv 2403.14541. Its uncertainty measure is not published; 1 - max p is our reading.
    """

    name: ClassVar[str] = "udt"
    needs: ClassVar[frozenset[str]] = frozenset({"max_probability"})

    t0: float = parameter(at_least=0)
    theta: float = parameter(at_least=0)
    base: float = parameter(above=0, below=1, default=0.8)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(1.0 - s.max_probability, p, xp)
