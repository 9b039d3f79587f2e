"""What a task tells of itself to people who choose one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Card:
    """``edt tasks`` prints it: sentences for readers, nothing that a run depends on.

    Attributes:
        about: what goes in and what the references are.
        source: where the texts come from.
        splits: how dev, test and train are made.
        offline: whether it needs no network, even the first time.
        metrics: when the task's metrics are others than those of its plain name.
        parameters: what may stand behind the task's name, each with its meaning and default.
    """

    about: str
    source: str
    splits: str
    offline: bool
    metrics: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
