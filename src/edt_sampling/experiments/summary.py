"""A run in a table: one row a setting, with bootstrap intervals over prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.measures import measures, quality
from edt_sampling.experiments.score import Scores, score
from edt_sampling.experiments.sensitivity import observed
from edt_sampling.significance.bootstrap import interval, resample_means
from edt_sampling.store import Reader, StoredSetting

FloatArray = npt.NDArray[np.float64]
GREEDY = "fixed:temperature=0"
RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A mean over prompts; the ends of its 95% interval, None where none is given."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One setting with its estimates by column."""

    setting: StoredSetting
    values: dict[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The table, and what a reader must know of it. ``notes`` are facts of this run that one line each must tell."""

    rows: list[Row]
    signatures: dict[str, str]
    prompts: int
    samples: int
    seeds: list[int]
    content: str
    environments: list[dict[str, Any]]
    notes: list[str]


def summarise(reader: Reader, *, metrics: Sequence[str] | None = None) -> Summary:
    """The summary of a run's complete units, by these metrics (default: its recipe's)."""
    recipe = reader.recipe()
    chosen = measures(metrics or recipe["metrics"], samples=recipe["samples"])
    scores = score(reader, chosen)
    settings = reader.settings()
    columns, signatures, notes = _columns(scores, chosen, settings)
    rows = [Row(setting=s, values={name: column[i] for name, column in columns.items()}) for i, s in enumerate(settings)]
    return Summary(
        rows=rows,
        signatures=scores.signatures | signatures,
        prompts=scores.prompts,
        samples=recipe["samples"],
        seeds=recipe["seeds"],
        content=reader.content(),
        environments=reader.environments(),
        notes=notes,
    )


def _columns(
    scores: Scores, metrics: Sequence[Any], settings: Sequence[StoredSetting]
) -> tuple[dict[str, list[Estimate]], dict[str, str], list[str]]:
    """Estimates of each column in the recipe's order, and the signatures and notes that come of making them."""
    best, eda = quality(metrics), next((metric for metric in metrics if metric.reads == "scores"), None)
    bounded = [m.name for m in metrics if m is best or m.name == "self_bleu"]
    means = {name: _mean(values) for name, values in scores.values.items()}
    resampled = {name: resample_means(scores.values[name], resamples=RESAMPLES, seed=0) for name in bounded if scores.prompts > 1}
    signatures: dict[str, str] = {}
    if best is not None and eda is not None:
        signatures = _add_eda(eda, best.name, means, resampled, settings)
    order = [name for metric in metrics for name in (metric.name, *_terms(metric, means)) if name in means]
    columns = {name: _estimates(means[name], resampled.get(name)) for name in [*order, "truncated", "temperature", "entropy"]}
    notes = [observed(scores.values[best.name], best.name)] if best is not None else []
    return columns, signatures, notes + _left_out(scores)


def _add_eda(
    eda: Any, quality_name: str, means: dict[str, FloatArray], resampled: dict[str, FloatArray], settings: Sequence[StoredSetting]
) -> dict[str, str]:
    """EDA of the means over prompts and of their resamples, added to both; returns its signature.

    R is the greedy score of this run, or the best score of any setting where greedy is not among them: one number for all
    settings and resamples.
    """
    greedy = [i for i, setting in enumerate(settings) if setting.policy == GREEDY]
    target = float(means[quality_name][greedy[0]] if greedy else means[quality_name].max())
    source = "greedy in this run" if greedy else "the best setting of this run"
    if not target > 0:
        return {"eda": f"eda|left out: {quality_name} of {source} is 0"}
    distance = eda(target=target)
    for kind in (means, resampled):
        if "self_bleu" in kind and quality_name in kind:
            kind["eda"], kind["eda_quality"], kind["eda_diversity"] = distance(kind[quality_name], kind["self_bleu"])
    return {"eda": f"{distance.signature}|Q:{quality_name}|R from:{source}"}


def _mean(values: FloatArray) -> FloatArray:
    """The mean over prompts of what is defined; nan where nothing is."""
    defined = (~np.isnan(values)).sum(axis=0)
    return np.where(defined > 0, np.nansum(values, axis=0) / np.maximum(defined, 1), np.nan)


def _terms(metric: Any, means: dict[str, FloatArray]) -> list[str]:
    return ["eda_quality", "eda_diversity"] if metric.reads == "scores" and "eda" in means else []


def _estimates(means: FloatArray, resampled: FloatArray | None) -> list[Estimate]:
    if resampled is None:
        return [Estimate(float(mean)) for mean in means]
    low, high = interval(resampled)
    return [Estimate(*map(float, ends)) for ends in zip(means, low, high, strict=True)]


def _left_out(scores: Scores) -> list[str]:
    """A note for each metric that is undefined for some prompts, which its means leave out."""
    missing = {name: int(np.isnan(values).sum()) for name, values in scores.values.items()}
    return [
        f"{name}: undefined for {count} of {scores.values[name].size} prompts x settings, left out"
        for name, count in missing.items()
        if count
    ]
