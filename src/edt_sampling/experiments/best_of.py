"""Best of k: what trying more settings of a method buys, on dev prompts that did not choose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import BestOf
from edt_sampling.significance.best_of import expected
from edt_sampling.significance.curve import distance, outside
from edt_sampling.store import StoredSetting

FloatArray = npt.NDArray[np.float64]
SPLITS = 400
"""Times that the dev prompts are cut in two halves, one to choose and one to judge."""


def best_of(settings: Sequence[StoredSetting], quality: FloatArray, diversity: FloatArray) -> list[BestOf]:
    """For each method and k, the mean over splits and sets of k of its settings: the effect of the set's best on the half that did not
    choose it.

    ``quality`` and ``diversity`` are dev's, ``[prompts, settings]``. A method without a comparable setting has no line.
    """
    curve = [i for i, s in enumerate(settings) if s.role == "fixed"]
    chooser, outcome = _halves(quality, diversity, curve)
    rows: list[BestOf] = []
    for method in dict.fromkeys(s.method for s in settings if s.role == "candidate"):
        own = [i for i, s in enumerate(settings) if s.method == method and s.role == "candidate"]
        found = expected(chooser[:, own], outcome[:, own])
        rows += [BestOf(method, k, float(effect)) for k, effect in enumerate(found, 1) if np.isfinite(effect)]
    return rows


def halvings(prompts: int) -> tuple[FloatArray, FloatArray]:
    """The prompts cut in two at random: what each weighs in the mean over one half and in that over the other, ``[splits, prompts]``."""
    generator = np.random.default_rng(0)
    left = np.zeros((SPLITS, prompts))
    for row in left:
        row[generator.permutation(prompts)[: prompts // 2]] = 1
    one, other = (half / half.sum(axis=1, keepdims=True) for half in (left, 1 - left))
    return one, other


def _halves(quality: FloatArray, diversity: FloatArray, curve: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Effects of all settings on one half of the prompts and on the other, ``[splits, settings]``; nan off the curve."""
    one, other = (_effects(shares, quality, diversity, curve) for shares in halvings(len(quality)))
    return one, other


def _effects(shares: FloatArray, quality: FloatArray, diversity: FloatArray, curve: Sequence[int]) -> FloatArray:
    q, s, nodes = shares @ quality, shares @ diversity, list(curve)
    away = distance(s, q, curve_diversity=s[:, nodes], curve_quality=q[:, nodes])
    return np.where(outside(s, curve_diversity=s[:, nodes]), np.nan, away)
