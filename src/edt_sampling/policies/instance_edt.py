"""Entropy-based dynamic temperature, one temperature for a whole output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.edt import damped
from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class InstanceEDT(Policy):
    """T = t0 * base ** (theta / H1), H1 the entropy of the output's first token in nats, for every token of the output.

    Source: the instance-level variant of arXiv 2403.14541. How the paper aggregates an instance's entropy is not
    published; the first step's entropy is our reading.
    """

    name: ClassVar[str] = "instance-edt"
    needs: ClassVar[frozenset[str]] = frozenset({"first_entropy"})

    t0: float = parameter(at_least=0)
    theta: float = parameter(at_least=0)
    base: float = parameter(above=0, below=1, default=0.8)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.first_entropy, p, xp)
