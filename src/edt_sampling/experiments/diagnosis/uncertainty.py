"""Measures of a model's uncertainty at a step, each larger where the model is less sure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edt_sampling.protocol import Reading

FloatArray = npt.NDArray[np.float64]
ENTROPY = "entropy"
SINGLE = (ENTROPY, "1 - max p", "1 - margin", "varentropy")
"""H in nats, what the best token's probability lacks, what its lead over the second best lacks, and the variance of -ln p in nats squared:
functions of one distribution."""
ENSEMBLE = ("information", "variance")
"""What several models, or several passes with dropout, disagree by; see ``disagreement``."""


def single(reading: Reading) -> FloatArray:
    """The measures of ``SINGLE`` at each token, ``[tokens, 4]``."""
    columns = (reading.entropy, 1 - reading.max_probability, 1 - reading.margin, reading.varentropy)
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=-1)


def disagreement(watched: Sequence[npt.NDArray[np.floating]]) -> FloatArray:
    """The measures of ``ENSEMBLE`` at each token, ``[tokens, 2]``, of each member's probabilities of the same tokens, ``[tokens, width]``.

    ``information`` (nats) is the mutual information of the next token and the member that predicts it, H(mean p) - mean H(p), of the
    tokens that were watched and all others taken together: what is left of BALD where a step keeps 17 numbers of each member in the place
    of its vocabulary, and never more than all of it. ``variance`` is that of the probability of the token that is best on average.

    Source: Houlsby et al. 2011 (BALD), Gal and Ghahramani 2016 (dropout as the members), Lakshminarayanan et al. 2017 (ensembles).
    """
    members = np.stack([np.asarray(one, dtype=np.float64) for one in watched])
    rest = np.clip(1 - members.sum(axis=-1, keepdims=True), 0, 1)
    parts = np.concatenate([members, rest], axis=-1)
    mean = parts.mean(axis=0)
    information = np.clip(_entropy(mean) - _entropy(parts).mean(axis=0), 0, None)
    best = mean[:, :-1].argmax(axis=-1)
    variance = members[:, np.arange(len(best)), best].var(axis=0)
    return np.stack([information, variance], axis=-1)


def _entropy(probabilities: FloatArray) -> FloatArray:
    return -(probabilities * np.log(np.where(probabilities > 0, probabilities, 1))).sum(axis=-1)
