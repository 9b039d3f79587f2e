"""Entropy-based dynamic temperature, token by token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class EDT(Policy):
    """T = t0 * base ** (theta / H), H the entropy of the step's distribution in nats.

    T rises towards its upper bound ``t0`` as H grows and falls to 0 (greedy) as H does; ``theta`` is the entropy,
    in nats, at which T = base * t0. theta = 0 is a fixed temperature t0.
    Source: Zhang, Bao, Huang 2024 (arXiv 2403.14541), where base = 0.8 throughout; t0 = 0.6, theta = 0.1 is its starting point.
    """

    name: ClassVar[str] = "edt"
    needs: ClassVar[frozenset[str]] = frozenset({"entropy"})

    t0: float = parameter(at_least=0)
    theta: float = parameter(at_least=0)
    base: float = parameter(above=0, below=1, default=0.8)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.entropy, p, xp)


def damped(uncertainty: Any, p: Any, xp: Any) -> Any:
    """t0 * base ** (theta / uncertainty); its limit t0 * 0 at uncertainty 0, and t0 whenever theta is 0."""
    return p.t0 * xp.exp(xp.log(p.base) * p.theta / xp.clip(uncertainty, 1e-12, None))
