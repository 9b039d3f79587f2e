"""A policy's parameter: a number with a declared interval."""

from __future__ import annotations

import math
from dataclasses import MISSING, Field, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Interval:
    """The numbers a parameter may take; bounds that are None do not bind."""

    at_least: float | None = None
    above: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        bounds = [(">=", self.at_least), (">", self.above), ("<", self.below)]
        limits = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)
        return f"a finite number {limits}".rstrip()


def parameter(
    *, at_least: float | None = None, above: float | None = None, below: float | None = None, default: float | None = None
) -> Any:
    """A dataclass field that holds a number of this interval; required where ``default`` is None."""
    interval = Interval(at_least=at_least, above=above, below=below)
    return field(default=MISSING if default is None else default, metadata={"interval": interval})  # type: ignore[call-overload]


def checked(owner: str, spec: Field[Any], value: object) -> float:
    """The value as a float, or an error that names the parameter, what is allowed and what was given."""
    interval: Interval = spec.metadata["interval"]
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in interval:
        raise ValueError(f"{owner}: {spec.name} must be {interval}, got {value!r}")
    return float(value)
