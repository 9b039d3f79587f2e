"""Whether a run's engine saw the model's distributions, and what a run lacks where it did not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from edt_sampling.protocol import Engine

UNSEEN = (
    "the engine shows texts alone: no entropies and no realised temperatures, nothing teacher-forced on the references, and none of the "
    "ablations that need these (fixed temperatures that match the chosen setting, its temperatures shuffled)"
)
"""What a reader of such a run must know."""
OBSERVATIONS = ("temperature", "entropy")
"""Columns that only such an engine fills."""


def observed(environments: Iterable[Mapping[str, Any]]) -> bool:
    """Whether H and T of a run's tokens are known; an engine that does not see them says so where it describes itself."""
    return all(environment.get("observes", True) for environment in environments)


def check_observes(engine: Engine, needs: str) -> None:
    """Raises ValueError, by name, for an engine that shows texts alone; ``needs`` says who needs more, and what."""
    if not engine.observes:
        name = engine.describe()["engine"]
        raise ValueError(f"engine {name} sees texts alone, and {needs}: load the model itself, for example with engine transformers")
