"""KL-guided temperature: cooler where the evidence changes what the model would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class KLGuided(Policy):
    """T = t0 * 2 ** (-KL / bandwidth), KL in nats from the next-token distribution with the evidence to that without it.

    ``bandwidth`` is a half-life: each so many nats halve T; 0 turns the guidance off, and T is ``t0``. The second distribution is the same
    model's on the prompt without its evidence (the document, the passage), with the same tokens generated so far: a second stream of
    decoding, with its own cache. Both are of raw logits, probabilities clipped to [1e-7, 1].
    Source: Chang et al. 2023 (arXiv 2306.01286), whose code has t0 = 1 and bandwidth = 1 by default.
    """

    name: ClassVar[str] = "kl-guided"
    needs: ClassVar[frozenset[str]] = frozenset({"kl"})

    t0: float = parameter(at_least=0, default=1.0)
    bandwidth: float = parameter(at_least=0, default=1.0)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        halvings = xp.where(p.bandwidth > 0, s.kl / xp.clip(p.bandwidth, 1e-12, None), 0.0 * s.kl)
        return p.t0 * xp.exp(-xp.log(2.0 + 0.0 * p.t0) * halvings)
