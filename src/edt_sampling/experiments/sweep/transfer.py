"""Between tasks: what another task's best cell loses, and how alike two maps are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.sweep.findings import Agreement, Criterion, Regret, Surface, TaskMap
from edt_sampling.experiments.sweep.maps import CRITERIA, Judged
from edt_sampling.experiments.sweep.surfaces import Surfaces
from edt_sampling.significance.bootstrap import interval
from edt_sampling.significance.rank_correlation import within

FloatArray = npt.NDArray[np.float64]
SURFACES: tuple[Surface, ...] = ("effect", "eda", "quality", "diversity")
FEWEST = 3
"""Cells that a rank correlation takes."""


@dataclass(frozen=True)
class Made:
    """A map with what it was made of."""

    map: TaskMap
    surfaces: Surfaces
    judged: Judged


def regrets(made: Sequence[Made]) -> list[Regret]:
    """Every map's best cells on every other one."""
    return [_regret(of, on, by) for by in CRITERIA for of, on in permutations(made, 2) if by in of.map.best and by in on.map.best]


def agreements(made: Sequence[Made]) -> list[Agreement]:
    """Of each map with itself, then of each two."""
    alone = [_with_itself(one, by) for by in SURFACES for one in made]
    return alone + [_between(one, other, by) for by in SURFACES for one, other in combinations(made, 2)]


def _regret(of: Made, on: Made, by: Criterion) -> Regret:
    taken, own = (made.map.best[by].cell.policy for made in (of, on))
    policies = [cell.policy for cell in on.map.cells]
    here, there = policies.index(taken), policies.index(own)
    more = 1 if by == "effect" else -1  # is better
    whole, drawn = (more * (values[..., there] - values[..., here]) for values in (on.surfaces.whole()[by], on.judged.drawn[by]))
    known = by == "eda" or on.map.cells[here].effect is not None
    lost = Estimate(float(whole), *map(float, interval(drawn, prompts=on.map.prompts))) if known else None
    return Regret(by=by, of=of.map.name, on=on.map.name, taken=taken, own=own, lost=lost)


def _between(one: Made, other: Made, by: Surface) -> Agreement:
    """The second map's resamples run backwards: the same numbers drew both, and the tasks' prompts have nothing to do with each other."""
    shared = _shared(one, other, by)
    whole = spearman(one.surfaces.whole()[by][shared], other.surfaces.whole()[by][shared])
    drawn = spearman(one.judged.drawn[by][:, shared], other.judged.drawn[by][::-1, shared])
    low, high = interval(drawn[np.isfinite(drawn)]) if np.isfinite(drawn).any() else (np.nan, np.nan)
    known = np.isfinite(whole)
    return Agreement(
        by=by,
        one=one.map.name,
        other=other.map.name,
        cells=len(shared),
        correlation=Estimate(float(whole), float(low), float(high)) if known else None,
    )


def _with_itself(one: Made, by: Surface) -> Agreement:
    shared = _shared(one, one, by)
    left, right = one.surfaces.halves()
    found = spearman(left[by][:, shared], right[by][:, shared])
    known = found[np.isfinite(found)]
    correlation = Estimate(float(known.mean())) if len(known) else None
    return Agreement(by=by, one=one.map.name, other=one.map.name, cells=len(shared), correlation=correlation)


def _shared(one: Made, other: Made, by: Surface) -> npt.NDArray[np.intp]:
    """The cells to compare: for distances, those that are comparable on both maps."""
    if by != "effect":
        return np.arange(len(one.map.cells))
    return np.intersect1d(one.judged.comparable, other.judged.comparable)


def spearman(one: FloatArray, other: FloatArray) -> FloatArray:
    """Spearman's rank correlation over the last axis, ``[..., cells]`` in; nan for fewer than three cells, or where all are alike."""
    shape = one.shape[:-1]
    if one.shape[-1] < FEWEST:
        return np.full(shape, np.nan)
    return within(np.atleast_2d(one)[..., None], np.atleast_2d(other)).reshape(shape)
