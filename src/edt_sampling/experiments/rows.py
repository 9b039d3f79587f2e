"""A stage in a table: one row a setting, with bootstrap intervals over prompts."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.distances import RESAMPLES
from edt_sampling.experiments.findings import BandPoint, Estimate, Role, Row
from edt_sampling.experiments.measures import DIVERSITY
from edt_sampling.experiments.scored import Scored
from edt_sampling.metrics.eda import Eda
from edt_sampling.significance.bootstrap import interval, resample_means
from edt_sampling.significance.curve import distance, outside

FloatArray = npt.NDArray[np.float64]
BAND = 41
"""Points at which the fixed curve's band is drawn."""
RECORDED = ("truncated", "temperature", "entropy")


def rows(scored: Scored, eda: Eda) -> list[Row]:
    """One row a setting; a metric that is undefined for some prompts has no interval."""
    columns = _columns(scored, eda)
    return [
        Row(
            stage=scored.stages[i],
            method=s.method,
            policy=s.policy,
            filters=s.filters,
            role=cast(Role, s.role),
            values={name: estimate for name, column in columns.items() if (estimate := column[i]) is not None},
        )
        for i, s in enumerate(scored.settings)
    ]


def band(scored: Scored) -> list[BandPoint]:
    """The fixed curve with its interval, at diversities from one end to the other."""
    curve = scored.curve
    both = np.stack([scored.scores.values[scored.primary][:, curve], scored.scores.values[DIVERSITY][:, curve]], axis=-1)
    means, drawn = both.mean(axis=0), resample_means(both, resamples=RESAMPLES, seed=0)
    at = np.linspace(means[:, 1].min(), means[:, 1].max(), BAND)

    def height(points: FloatArray) -> FloatArray:
        shape = (*points.shape[:-2], BAND)
        return -distance(np.broadcast_to(at, shape), np.zeros(shape), curve_diversity=points[..., 1], curve_quality=points[..., 0])

    low, high = interval(height(drawn), prompts=scored.scores.prompts)
    return [BandPoint(float(x), Estimate(*map(float, ends))) for x, *ends in zip(at, height(means), low, high, strict=True)]


def _columns(scored: Scored, eda: Eda) -> dict[str, list[Estimate | None]]:
    """Estimates by column, in the recipe's order, EDA with its terms, and what the engine recorded."""
    values = scored.scores.values
    drawn = {n: resample_means(v, resamples=RESAMPLES, seed=0) for n, v in values.items() if np.isfinite(v).all()}
    means = {name: _mean(column) for name, column in values.items()}
    for kind in (means, drawn):
        found = eda(kind[scored.primary], kind[DIVERSITY])
        kind["eda"], kind["eda_quality"], kind["eda_diversity"] = found
    order = [name for column in scored.columns for name in ((column, "eda_quality", "eda_diversity") if column == "eda" else (column,))]
    columns: dict[str, list[Estimate | None]] = {n: _estimates(means[n], drawn.get(n), scored.scores.prompts) for n in (*order, *RECORDED)}
    columns["effect"] = _dev_effects(scored)
    return columns


def _dev_effects(scored: Scored) -> list[Estimate | None]:
    """On dev, how far above the fixed curve each candidate lies, by which the method's setting is chosen."""
    points, curve = scored.having("candidate"), scored.curve
    quality, diversity = (scored.scores.values[name].mean(axis=0) for name in (scored.primary, DIVERSITY))
    found: list[Estimate | None] = [None] * len(scored.settings)
    if points:
        away = distance(diversity[points], quality[points], curve_diversity=diversity[curve], curve_quality=quality[curve])
        off = outside(diversity[points], curve_diversity=diversity[curve])
        for i, effect, missing in zip(points, away, off, strict=True):
            found[i] = None if missing else Estimate(float(effect))
    return found


def _mean(values: FloatArray) -> FloatArray:
    """The mean over prompts of what is defined; nan where nothing is."""
    defined = (~np.isnan(values)).sum(axis=0)
    return np.where(defined > 0, np.nansum(values, axis=0) / np.maximum(defined, 1), np.nan)


def _estimates(means: FloatArray, drawn: FloatArray | None, prompts: int) -> list[Estimate | None]:
    if drawn is None:
        return [None if np.isnan(mean) else Estimate(float(mean)) for mean in means]
    low, high = interval(drawn, prompts=prompts)
    return [Estimate(*map(float, ends)) for ends in zip(means, low, high, strict=True)]
