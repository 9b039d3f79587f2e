"""Paired permutation test: could chance have dealt the signs of the prompts' differences?"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import stats

_SIGNS_AT_ONCE = 2_000_000  # signs in memory at a time, 16 MB


def sign_flip(differences: npt.ArrayLike, *, resamples: int = 9_999, seed: int) -> float:
    """Two-sided p of a mean paired difference, in (0, 1].

    If two settings do not differ, a prompt's difference is as likely to have come out with the other sign. All 2^prompts ways
    to deal the signs are counted where that is at most ``resamples`` (p is then exact, and at least 2 / 2^prompts); else
    ``resamples`` random ways and the one observed, so p is at least 2 / (resamples + 1) and never 0.
    All differences 0: p = 1.

    Args:
        differences: one a prompt, ``[prompts]``: the mean over a prompt's outputs under one setting less that under the other.
        resamples: random ways to deal the signs; its standard error is about sqrt(2 p / resamples).

    Raises:
        ValueError: not one-dimensional, fewer than two prompts, a value that is not finite, ``resamples`` below 1.

    Source: Fisher 1935; ``scipy.stats.permutation_test`` with ``permutation_type="samples"``.
    """
    array = np.asarray(differences, dtype=np.float64)
    if array.ndim != 1 or array.size < 2:
        raise ValueError(
            f"differences must be one number for each of two or more prompts, got shape {array.shape}; average a prompt's outputs"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"differences must be finite, got {array[~np.isfinite(array)][0]}; leave such prompts out of both settings")
    if resamples < 1:
        raise ValueError(f"resamples must be 1 or more, got {resamples}")
    result = cast(Any, stats).permutation_test(
        (array,),
        np.mean,
        permutation_type="samples",
        n_resamples=resamples,
        vectorized=True,
        batch=max(1, _SIGNS_AT_ONCE // array.size),
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)
