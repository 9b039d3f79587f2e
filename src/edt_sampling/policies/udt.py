"""Uncertainty-based dynamic temperature: another measure of uncertainty in the place of EDT's entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.edt import damped
from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy

# Which uncertainty arXiv 2403.14541 takes for UDT is not published: these three are our readings of it.


@dataclass(frozen=True, kw_only=True)
class UDT(Policy):
    """T = t0 * base ** (theta / (1 - max p)): EDT with the probability missed by the best token in the place of H.

    Source: the UDT baseline of arXiv 2403.14541, its measure our reading.
    """

    name: ClassVar[str] = "udt"
    needs: ClassVar[frozenset[str]] = frozenset({"max_probability"})

    t0: float = parameter(at_least=0)
    theta: float = parameter(at_least=0)
    base: float = parameter(above=0, below=1, default=0.8)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(1.0 - s.max_probability, p, xp)


@dataclass(frozen=True, kw_only=True)
class MarginUDT(UDT):
    """T = t0 * base ** (theta / (1 - margin)), the margin being what the best token's probability has over the second best's.

    Source: the UDT baseline of arXiv 2403.14541, its measure our reading; margin sampling is Scheffer et al. 2001's.
    """

    name: ClassVar[str] = "udt-margin"
    needs: ClassVar[frozenset[str]] = frozenset({"margin"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(1.0 - s.margin, p, xp)


@dataclass(frozen=True, kw_only=True)
class VarentropyUDT(UDT):
    """T = t0 * base ** (theta / V), V the varentropy in nats squared: the variance of -ln p under p.

    V is 0 where the model is sure, and 0 as well where it finds all tokens that it does not exclude equally likely: there T falls to 0,
    too. It is high where a likely token stands beside many unlikely ones.
    Source: the UDT baseline of arXiv 2403.14541, its measure our reading.
    """

    name: ClassVar[str] = "udt-varentropy"
    needs: ClassVar[frozenset[str]] = frozenset({"varentropy"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.varentropy, p, xp)
