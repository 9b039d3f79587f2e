"""What a run's tables hold, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from edt_sampling.protocol import Finish


@dataclass(frozen=True, kw_only=True)
class StoredExample:
    """One prompt of a split. Its place in the split's list is its unit number."""

    id: str
    prompt: str
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StoredSetting:
    """One way to decode: the method that it belongs to in tables, the spec strings of its policy and filters, and its part in the stage."""

    method: str
    policy: str
    filters: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One generated text. Means are over its tokens, entropy in nats; None where there was no token."""

    unit: int
    setting: int
    seed: int
    sample: int
    text: str
    finish: Finish
    tokens: int
    mean_entropy: float | None
    mean_temperature: float | None


@dataclass(frozen=True)
class Look:
    """A verdict was drawn at so many test prompts; ``sequential``: within a run that adds prompts until it has seen enough."""

    prompts: int
    sequential: bool
