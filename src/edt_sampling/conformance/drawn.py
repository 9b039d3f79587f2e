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


def drawn(logits: Any, policies: Sequence[str], *, top_p: float, uniform: np.ndarray, backend: Backend) -> Rows:
    """What ``backend.draw`` makes of the rows. Probabilities are found by drawing: from just above each token's place on, the next one."""
    mixture = backend.mixture([policy(spec) for spec in policies], like=logits)
    filters = Filters.parse(f"temperature,top_p={top_p}")
    once = backend.draw(logits, mixture, uniform=uniform, filters=filters)
    probabilities = np.zeros(tuple(logits.shape))
    rows, reached = np.arange(len(policies)), np.zeros(len(policies))
    while (reached < EDGES).any():
        step = backend.draw(logits, mixture, uniform=np.clip(reached + 1e-12, None, EDGES), filters=filters)
        open_rows = reached < EDGES
        probabilities[rows[open_rows], host(step.token)[open_rows]] = host(step.probability)[open_rows]
        reached = probabilities.sum(-1)
    return Rows(entropy=host(once.entropy), temperature=host(once.temperature), probabilities=probabilities, tokens=host(once.token))
