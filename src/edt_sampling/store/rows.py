"""What a run's tables hold, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from edt_sampling.protocol import Finish


@dataclass(frozen=True, kw_only=True)
class StoredExample:
    """One prompt of a split. Its place in the split's list is its unit number. ``check``: the tests of its outputs, where these are run."""

    id: str
    prompt: str
    references: tuple[str, ...]
    check: str | None = None


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


class TextKey(NamedTuple):
    """Whose text it is within a unit: a sample of a setting under a seed, or ``REFERENCE``."""

    setting: int
    seed: int
    sample: int


REFERENCE = TextKey(-1, 0, 0)
"""The unit's first reference."""


class StepKey(NamedTuple):
    """A step of a text: token ``step``, counted from 0, of a text of a unit of a stage."""

    stage: str
    unit: int
    text: TextKey
    step: int


class Rating(NamedTuple):
    """What a person says of a step; None where it was left empty. ``certain``: 1 to 5, how obvious the next word is; ``acceptable``: how
    many of the alternatives shown fit."""

    rater: str
    item: str
    certain: int | None
    acceptable: int | None


class UnitMemory(NamedTuple):
    """Bytes that the engine held after a unit of a stage, in the order in which they were done; ``start``: in which start of the run."""

    start: int
    stage: str
    unit: int
    bytes: int


@dataclass(frozen=True)
class Look:
    """A verdict was drawn at so many test prompts; ``sequential``: within a run that adds prompts until it has seen enough."""

    prompts: int
    sequential: bool
