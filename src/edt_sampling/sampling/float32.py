"""The fast paths that compute in float32: their limits, what they take, and how they are switched off."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from edt_sampling.sampling.filters import Filters, MinP, TopK, TopP

HOTTEST = 1e30
"""A temperature above this one is taken as it: the inverse of ``contract.HOTTEST`` is 0 in float32, and -inf times 0 would be NaN."""
FAINTEST = -87.0
"""exp(FAINTEST) is the smallest normal float32: below it an exponential is slow, and weighs nothing."""
SWITCH = "EDT_SAMPLING_FAST"
"""The environment variable that switches the fast paths off where it is 0, and on where it is 1 or not set."""


def on(compiler: str) -> bool:
    """Whether to take the fast path that ``compiler`` (a module's name) builds: it is installed, and nobody has switched it off."""
    return _wanted(os.environ.get(SWITCH, "1")) and _installed(compiler)


def arithmetic(compiler: str) -> str:
    """In a few words what draws compute in, for whoever wants to repeat them."""
    return f"float32, {compiler} {import_module(compiler).__version__}" if on(compiler) else "float64"


def knows(filters: Filters) -> bool:
    """Whether the fast paths know these filters: top-k, top-p and min-p behind the temperature, in any order and number."""
    return not filters.before and all(isinstance(step, TopK | TopP | MinP) for step in filters.after)


@cache
def _wanted(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError(f"{SWITCH} must be 0 (every row in float64) or 1, got {value!r}")
    return value == "1"


@cache
def _installed(compiler: str) -> bool:
    return find_spec(compiler) is not None
