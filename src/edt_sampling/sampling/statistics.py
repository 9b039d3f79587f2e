"""The few numbers a row of logits is summed up in, which policies turn into a temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Statistics:
    """Arrays ``[rows]`` of float64, of the backend that computed them.

    ``entropy`` H = -sum p ln p in nats, never below 0; ``max_probability`` the largest p; ``support`` how many tokens are
    not masked. ``first_entropy`` and ``kl`` are kept over steps by whoever generates, and None where nobody keeps them.
    """

    entropy: Any
    max_probability: Any
    support: Any
    first_entropy: Any = None
    kl: Any = None
