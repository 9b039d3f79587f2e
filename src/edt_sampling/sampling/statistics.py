"""The few numbers a row of logits is summed up in, which policies turn into a temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict


@dataclass(frozen=True)
class Statistics:
    """Arrays ``[rows]`` of float64, of the backend that computed them.

    ``entropy`` H = -sum p ln p in nats, never below 0; ``max_probability`` the largest p; ``support`` how many tokens are
    not masked; ``margin`` the largest p less the second largest; ``varentropy`` the variance of -ln p under p, nats squared. The last two
    are None unless they are asked for, in float32 the support too; the statistics of ``Kept`` where nobody keeps them.
    """

    entropy: Any
    max_probability: Any
    support: Any = None
    margin: Any = None
    varentropy: Any = None
    first_entropy: Any = None
    running_entropy: Any = None
    prompt_entropy: Any = None
    draft_entropy: Any = None
    kl: Any = None
    scheduled: Any = None


class Kept(TypedDict, total=False):
    """Statistics that the logits do not hold: whoever generates keeps them and gives one number a row. None counts as not given.

    ``first_entropy`` (nats) of the first generated token's distribution, ``running_entropy`` the mean (nats) of the text's distributions so
    far with this one, ``prompt_entropy`` over the prompt's tokens, ``draft_entropy`` over a greedy draft's; ``kl`` (nats) to the
    distribution without the evidence; ``scheduled`` the temperature of this step. ``allowed_surprise`` (bits) is mirostat's, no policy's.
    """

    first_entropy: Any
    running_entropy: Any
    prompt_entropy: Any
    draft_entropy: Any
    kl: Any
    scheduled: Any
    allowed_surprise: Any
