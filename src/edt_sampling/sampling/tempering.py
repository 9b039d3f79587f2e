"""What passes between logits that are tempered for an engine and whoever knows its rows' policies."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from edt_sampling.sampling.statistics import Statistics


class Tempering(NamedTuple):
    """What happened to each row, ``[rows]``: the entropy (nats) that its policy read, and the temperature; NaN where it was left alone."""

    entropy: Any
    temperature: Any


class Temperatures(Protocol):
    """What gives each row its temperature from its statistics: a ``Mixture``, or whatever knows which rows have policies; NaN for none."""

    @property
    def needs(self) -> frozenset[str]: ...

    def temperature(self, statistics: Statistics) -> Any: ...
