"""The few numbers a row of logits is summed up in, which policies turn into a temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict


@dataclass(frozen=True)
class Statistics:
    """Arrays ``[rows]`` of float64, of the backend that computed them.

    ``entropy`` H = -sum p ln p in nats, never below 0; ``max_probability`` the largest p; ``support`` how many tokens are
    not masked. The statistics of ``Kept`` are None where nobody keeps them.
    """

    entropy: Any
    max_probability: Any
    support: Any
    first_entropy: Any = None
    kl: Any = None
    scheduled: Any = None


class Kept(TypedDict, total=False):
    """Statistics that the logits do not hold: whoever generates keeps them and gives one number a row.

    ``first_entropy`` (nats) of the first generated token's distribution, ``kl`` (nats) to the distribution without the
    evidence, ``scheduled`` the temperature of this step. None counts as not given.
    """

    first_entropy: Any
    kl: Any
    scheduled: Any
