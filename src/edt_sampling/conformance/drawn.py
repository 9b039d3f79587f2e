"""Rows through our own draw, for backends and for engines that draw with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edt_sampling.conformance.subject import Rows
from edt_sampling.policies import policy
from edt_sampling.sampling.contract import Backend
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.host import host

EDGES = 1 - 1e-9
"""The uniform number that draws the last token which is left."""
BEYOND = 1e-12
"""How far above a token's place the next one is looked for; twice as far whenever float32's sums still say the same token."""


def drawn(logits: Any, policies: Sequence[str], *, top_p: float, uniform: np.ndarray, backend: Backend) -> Rows:
    """What ``backend.draw`` makes of the rows. Probabilities are found by drawing: from just above each token's place on, the next one."""
    mixture = backend.mixture([policy(spec) for spec in policies], like=logits)
    filters = Filters.parse(f"temperature,top_p={top_p}")
    once = backend.draw(logits, mixture, uniform=uniform, filters=filters)
    probabilities = np.zeros(tuple(logits.shape))
    rows, reached, beyond = np.arange(len(policies)), np.zeros(len(policies)), np.full(len(policies), BEYOND)
    while (reached + beyond < EDGES).any():
        step = backend.draw(logits, mixture, uniform=np.clip(reached + beyond, None, EDGES), filters=filters)
        token = host(step.token)
        known = probabilities[rows, token] > 0
        probabilities[rows, token] = host(step.probability)
        reached, beyond = probabilities.sum(-1), np.where(known, 2 * beyond, BEYOND)
    return Rows(entropy=host(once.entropy), temperature=host(once.temperature), probabilities=probabilities, tokens=host(once.token))
