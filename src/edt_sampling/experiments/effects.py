"""The verdict's numbers: each method against the fixed curve, against one fixed temperature, and against its ablations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.distances import RESAMPLES, distances
from edt_sampling.experiments.findings import Call, Effect, Estimate, Paired
from edt_sampling.experiments.measures import DIVERSITY
from edt_sampling.experiments.scored import Scored
from edt_sampling.significance import always_valid
from edt_sampling.significance.bootstrap import mean_interval
from edt_sampling.significance.holm import holm
from edt_sampling.significance.permutation import sign_flip
from edt_sampling.significance.power import detectable

FloatArray = npt.NDArray[np.float64]
LEVEL = 0.05
POWER = 0.8
AT_EQUAL_DIVERSITY = "at equal diversity"


def effects(test: Scored, *, resamples: int = RESAMPLES) -> list[Effect]:
    """Each chosen setting's distance to the fixed curve in each quality, Holm over all of them."""
    chosen, curve = test.having("chosen"), test.curve
    diversity = test.scores.values[DIVERSITY]
    found = {
        metric: distances(
            test.scores.values[metric], diversity, curve=curve, settings=chosen, sequential=test.sequential, resamples=resamples
        )
        for metric in test.metrics
    }
    family = max(1, sum(int(d.comparable.sum()) for d in found.values()))
    rows: list[Effect] = []
    for metric, away in found.items():
        for column, i in enumerate(chosen):
            on = bool(away.comparable[column])
            rows.append(
                Effect(
                    method=test.settings[i].method,
                    policy=test.settings[i].policy,
                    metric=metric,
                    effect=Estimate(*(float(v[column]) for v in (away.mean, away.low, away.high))) if on else None,
                    p=float(away.p[column]) if on else None,
                    adjusted=None,
                    detectable=_detectable(test, float(away.sd[column]), LEVEL / family) if on and not _alike(test, metric, i) else None,
                    outside=float(away.outside[column]),
                    call="not comparable",
                )
            )
    return [replace(row, adjusted=p, call=_call(row, p)) for row, p in zip(rows, _adjusted([row.p for row in rows]), strict=True)]


def _alike(test: Scored, metric: str, setting: int) -> bool:
    """Whether the setting and all of the curve scored alike on every prompt."""
    return bool((np.ptp(test.scores.values[metric][:, [setting, *test.curve]], axis=1) == 0).all())


def _detectable(test: Scored, sd: float, level: float) -> float:
    """The effect that is found 80% of the time; at a look, by an interval that holds at every look."""
    prompts = test.scores.prompts
    if not test.sequential:
        return detectable(sd, prompts, alpha=level)
    return float(always_valid.half_width(sd, n=prompts, level=1 - level)) + NormalDist().inv_cdf(POWER) * sd / prompts**0.5


def against_baseline(test: Scored) -> list[Paired]:
    """Each method less the fixed temperatures, both at their best EDA on dev, prompt by prompt; Holm over the qualities."""
    (baseline,) = test.having("baseline")
    values = test.scores.values
    pairs = [(i, metric) for metric in (*test.metrics, DIVERSITY) for i in test.having("tuned")]
    rows = [_paired(test, i, baseline, metric, values[metric][:, i] - values[metric][:, baseline]) for i, metric in pairs]
    return _with_holm(rows, tested=lambda row: row.metric != DIVERSITY)


def against_ablations(test: Scored) -> list[Paired]:
    """The subject less each of its ablations: by their distances to the fixed curve, and prompt by prompt.

    Holm over the ablations at equal diversity; the plain differences carry no p, because an ablation's diversity may be another.
    """
    values, primary, subject = test.scores.values, test.metrics[0], test.having("chosen")[0]
    others = test.having("shuffled", "matched entropy", "matched temperature")
    parts = _parts(test, primary, [subject, *others])
    equal = f"{primary} {AT_EQUAL_DIVERSITY}"
    rows = [_paired(test, subject, i, equal, parts[subject] - parts[i]) for i in others if i in parts and subject in parts]
    rows += [_paired(test, subject, i, m, values[m][:, subject] - values[m][:, i]) for m in (primary, DIVERSITY) for i in others]
    return _with_holm(rows, tested=lambda row: row.metric == equal)


def _parts(test: Scored, metric: str, settings: Sequence[int]) -> dict[int, FloatArray]:
    """Each prompt's part in the distance of those of the settings that are comparable."""
    away = distances(test.scores.values[metric], test.scores.values[DIVERSITY], curve=test.curve, settings=settings)
    return {i: away.parts[:, column] for column, i in enumerate(settings) if away.comparable[column]}


def _paired(test: Scored, one: int, other: int, metric: str, differences: FloatArray) -> Paired:
    mean, prompts = float(differences.mean()), len(differences)
    if test.sequential:
        sd = float(differences.std(ddof=1))
        half, p = float(always_valid.half_width(sd, n=prompts)), float(always_valid.p_value(mean, sd, n=prompts))
        ends = (mean - half, mean + half)
    else:
        found = mean_interval(differences, seed=0)
        ends, p = (float(found.low), float(found.high)), sign_flip(differences, seed=0)
    of, against = test.settings[one], test.settings[other]
    return Paired(
        method=of.method,
        policy=of.policy,
        other_method=against.method,
        other=against.policy,
        metric=metric,
        difference=Estimate(mean, *ends),
        p=p,
        adjusted=None,
    )


def _with_holm(rows: Sequence[Paired], *, tested: Callable[[Paired], bool]) -> list[Paired]:
    """The rows with Holm over those that are tested; the others carry no p."""
    p = [row.p if tested(row) else None for row in rows]
    return [replace(row, p=own, adjusted=adjusted) for row, own, adjusted in zip(rows, p, _adjusted(p), strict=True)]


def _adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm over those that are there."""
    found = iter(holm([p for p in p_values if p is not None]).tolist())
    return [None if p is None else next(found) for p in p_values]


def _call(row: Effect, adjusted: float | None) -> Call:
    if row.effect is None or adjusted is None:
        return "not comparable"
    if row.detectable is None:
        return "scored alike"
    if adjusted > LEVEL:
        return "no difference detected"
    return "better" if row.effect.mean > 0 else "worse"
