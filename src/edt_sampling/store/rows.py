"""What a run's tables hold, row by row."""

from __future__ import annotations

from dataclasses import dataclass

from edt_sampling.protocol import Finish


@dataclass(frozen=True, kw_only=True)
class StoredExample:
    """One prompt of a run. Its place in the run's list is its unit number."""

    id: str
    prompt: str
    references: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StoredSetting:
    """One way to decode: the method that it belongs to in tables, and the spec strings of its policy and filters."""

    method: str
    policy: str
    filters: str


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One generated text. Means are over its tokens, entropy in nats; None where there was no token."""

    unit: int
    example: str
    setting: int
    seed: int
    sample: int
    text: str
    finish: Finish
    tokens: int
    mean_entropy: float | None
    mean_temperature: float | None
