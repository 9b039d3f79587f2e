"""The grid of a sweep: a policy's t0 x theta, and the fixed temperatures that reach as far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edt_sampling.experiments.recipe import Method
from edt_sampling.policies import Fixed, policy
from edt_sampling.policies.table import POLICIES

T0S = (0.5, 0.7, 0.9, 1.1, 1.3, 1.5)
THETAS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Theta runs over the range that the paper is quoted with, 0.1 to 5; the steps, and the range of T0, are our choice."""
BEYOND, HOTTEST = 0.2, 2.0
"""The curve goes on so far past the largest t0, because in a resample a cell may come out more diverse than a fixed temperature of t0; but
not above this temperature, where texts are noise."""


def sweep_methods(fixed: Method, *, kind: str = "edt", t0: Sequence[float] = T0S, theta: Sequence[float] = THETAS) -> list[Method]:
    """The curve and the cells: the temperatures of ``fixed`` with every tenth from 0.1 to ``BEYOND`` the largest t0, so that hot and cold
    cells lie on the curve; and the policy of this kind at each t0 and theta, t0 slowest. Neither has filters of its own.

    Raises:
        ValueError: no t0 or no theta, one twice, one out of its interval, an unknown policy, or one without these two parameters.
    """
    for name, values in (("t0", t0), ("theta", theta)):
        if not values or len(set(values)) < len(values):
            raise ValueError(f"{name} must hold one number or more, each once, got {', '.join(f'{v:g}' for v in values) or 'none'}")
    found = POLICIES.find(kind)
    cells = [str(found.from_parameters({"t0": float(a), "theta": float(b)})) for a in sorted(t0) for b in sorted(theta)]
    tenths = {i / 10 for i in range(1, int(10 * min(max(t0) + BEYOND, HOTTEST) + 1e-9) + 1)}
    curve = [str(Fixed(temperature=t)) for t in sorted({p.temperature for p in fixed.read()} | tenths)]
    return [Method(name=fixed.name, policies=curve, filters=None), Method(name=found.__name__, policies=cells, filters=None)]


def place(spec: str) -> tuple[float, float]:
    """The t0 and theta of a cell."""
    found: Any = policy(spec)
    return found.t0, found.theta
