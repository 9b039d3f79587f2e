"""What a model's generation config sets already, and what wins."""

from __future__ import annotations

import warnings
from typing import Any

from transformers import GenerationConfig
from transformers.generation import logits_process

WARPERS = tuple(getattr(logits_process, name) for name in dir(logits_process) if name.endswith("LogitsWarper"))
"""transformers' own temperature and truncations."""
NEUTRAL: dict[str, Any] = {
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": None,
    "top_h": None,
    "typical_p": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
}
"""Each sampling field of a generation config with the value at which it does nothing."""


def sampling_fields(config: GenerationConfig) -> dict[str, Any]:
    """The sampling fields that the config sets to something that changes the distribution."""
    given = {name: getattr(config, name, None) for name in NEUTRAL}
    return {name: value for name, value in given.items() if value is not None and value != NEUTRAL[name]}


def warn_overridden(fields: dict[str, Any], winner: str) -> None:
    """Names the fields that do not apply, and what does."""
    if fields:
        listed = ", ".join(f"{name}={value}" for name, value in sorted(fields.items()))
        warnings.warn(f"the generation config sets {listed}: ignored, {winner} decides alone", UserWarning, stacklevel=3)
