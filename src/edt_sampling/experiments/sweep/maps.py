"""One task's map: each cell against the fixed curve, corrected for all of them, and how sure the best cell is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.distances import RESAMPLES, Distances, distances
from edt_sampling.experiments.effects import LEVEL, POWER
from edt_sampling.experiments.findings import Call, Estimate
from edt_sampling.experiments.sweep.findings import Best, Cell, Criterion
from edt_sampling.experiments.sweep.grid import place
from edt_sampling.experiments.sweep.surfaces import Drawn, Surfaces
from edt_sampling.significance.bootstrap import interval, p_value
from edt_sampling.significance.holm import holm
from edt_sampling.significance.power import detectable

FloatArray = npt.NDArray[np.float64]
CRITERIA: tuple[Criterion, ...] = ("effect", "eda")
ROUNDING = 1e-12
NOTHING = 1e-6
"""A standard error this small is rounding: the cell's texts score as a fixed temperature's own on every prompt."""


class Judged(NamedTuple):
    """All cells against the curve: their distances and standard errors; ``family``, the numbers of the comparable cells that some prompt
    tells from the curve, with the ``adjusted`` p of each; and every surface in each resample."""

    away: Distances
    error: FloatArray
    family: npt.NDArray[np.intp]
    adjusted: FloatArray
    drawn: Drawn

    @property
    def comparable(self) -> npt.NDArray[np.intp]:
        """The numbers of the cells that the curve reaches."""
        return np.flatnonzero(self.away.comparable)


def judge(surfaces: Surfaces, *, resamples: int = RESAMPLES) -> Judged:
    """Holm over the map: the cells of a map are one family, whatever they show."""
    away = distances(surfaces.quality, surfaces.diversity, curve=surfaces.curve, settings=surfaces.cells, resamples=resamples)
    drawn = surfaces.resampled(resamples)
    error = drawn["effect"].std(axis=0, ddof=1)
    family = np.flatnonzero(away.comparable & (error > NOTHING))
    return Judged(away, error, family, holm(away.p[family]), drawn)


def cells(judged: Judged, policies: Sequence[str], values: Sequence[Mapping[str, Estimate]]) -> list[Cell]:
    """The cells with all that is known of them, in the order of the surfaces'."""
    adjusted = dict(zip(judged.family.tolist(), judged.adjusted.tolist(), strict=True))
    shares: dict[Criterion, FloatArray] = {by: bests(judged, by) for by in CRITERIA}
    found: list[Cell] = []
    for i, (policy, columns) in enumerate(zip(policies, values, strict=True)):
        away, (t0, theta) = judged.away, place(policy)
        effect = Estimate(*(float(v[i]) for v in (away.mean, away.low, away.high))) if away.comparable[i] else None
        found.append(
            Cell(
                t0=t0,
                theta=theta,
                policy=policy,
                values=columns,
                effect=effect,
                p=float(away.p[i]) if i in adjusted else None,
                adjusted=adjusted.get(i),
                detectable=_detectable(judged, i) if i in adjusted else None,
                outside=float(away.outside[i]),
                call=_call(effect, adjusted.get(i)),
                best={by: float(share[i]) for by, share in shares.items()},
            )
        )
    return found


def bests(judged: Judged, by: Criterion) -> FloatArray:
    """How often each cell is the best one: shares of the resamples, which sum to 1; by distance among the comparable cells alone, and 0
    everywhere where there are none."""
    drawn, count = judged.drawn[by], judged.drawn[by].shape[1]
    if by == "eda":
        winners = drawn.argmin(axis=1)
    elif len(judged.comparable):
        winners = judged.comparable[drawn[:, judged.comparable].argmax(axis=1)]
    else:
        return np.zeros(count)
    return np.bincount(winners, minlength=count) / len(drawn)


def best(found: Sequence[Cell]) -> dict[Criterion, Best]:
    """The best cells of the sample, the first of equals; none by distance where no cell is comparable."""
    return {by: _best(known, by) for by in CRITERIA if (known := [cell for cell in found if by == "eda" or cell.effect])}


def _best(found: Sequence[Cell], by: Criterion) -> Best:
    cell = max(found, key=lambda cell: cell.effect.mean if by == "effect" and cell.effect else -cell.values["eda"].mean)
    sure = np.cumsum(sorted((cell.best[by] for cell in found), reverse=True))
    return Best(cell=cell, share=cell.best[by], few=int(np.searchsorted(sure, 1 - LEVEL - ROUNDING)) + 1)


def mean_effect(judged: Judged, prompts: int) -> Estimate | None:
    """The mean distance of the comparable cells; None where there are none."""
    if not len(judged.comparable):
        return None
    low, high = interval(judged.drawn["effect"][:, judged.comparable].mean(axis=1), prompts=prompts)
    return Estimate(float(judged.away.mean[judged.comparable].mean()), float(low), float(high))


def least_adjusted(judged: Judged, *, resamples: int = RESAMPLES) -> float | None:
    """The least adjusted p that so many prompts and resamples can show among so many cells, whatever the texts; None without any."""
    if not len(judged.family):
        return None
    least = float(p_value(np.ones(resamples), prompts=len(judged.away.parts)))
    return min(1.0, least * len(judged.family))


def _detectable(judged: Judged, cell: int) -> float:
    prompts = len(judged.away.parts)
    return detectable(float(judged.error[cell]) * prompts**0.5, prompts, alpha=LEVEL / len(judged.family), power=POWER)


def _call(effect: Estimate | None, adjusted: float | None) -> Call:
    if effect is None:
        return "not comparable"
    if adjusted is None:
        return "scored alike"
    if adjusted > LEVEL:
        return "no difference detected"
    return "better" if effect.mean > 0 else "worse"
