"""What the measures rank: right tokens, good texts, and what people call obvious; each measure alone and against entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.diagnosis.estimates import RESAMPLES, estimate
from edt_sampling.experiments.diagnosis.findings import Kind, Outcome, Ranking, Statistic
from edt_sampling.experiments.diagnosis.texts import ReadText, ReadTexts
from edt_sampling.experiments.diagnosis.uncertainty import ENTROPY
from edt_sampling.significance.bootstrap import p_value, resample_means
from edt_sampling.significance.holm import holm
from edt_sampling.significance.rank_correlation import spearman, within
from edt_sampling.significance.separation import Resampled, separation

FloatArray = npt.NDArray[np.float64]


def token_outcomes(texts: ReadTexts) -> list[Outcome]:
    """Right and wrong tokens of the references: AUROC, and Spearman's correlation, which says the same of right and wrong and is not
    tested again."""
    values, right, owner = tokens_of(texts.references)
    found = separation(-values, right, owner, resamples=RESAMPLES)
    told = "At the references' tokens: the model's best token is the reference's."
    views: tuple[tuple[Statistic, Any, bool], ...] = (("AUROC", found.auroc, True), ("Spearman", found.spearman, False))
    return [
        _outcome("token", "", "", told, statistic, len(values), owner, texts.measures, resampled, tested=tested)
        for statistic, resampled, tested in views
    ]


def text_outcomes(texts: ReadTexts, policies: Sequence[str], scores: Mapping[int, FloatArray], metric: str) -> list[Outcome]:
    """Each policy's texts, a measure's mean over a text's tokens against its score: over all texts, and among the texts of one prompt."""
    found: list[Outcome] = []
    for setting, policy in enumerate(policies):
        own = texts.of(setting)
        values = np.stack([text.values.mean(axis=0) for text in own])
        owner = np.array([text.unit for text in own])
        told = f"A measure's mean over the tokens of a text under {policy}, against the text's score"
        among = spearman(-values, scores[setting], owner, resamples=RESAMPLES)
        found.append(_outcome("text", policy, metric, f"{told}.", "Spearman", len(own), owner, texts.measures, among))
        if inside := _within(-values, scores[setting], owner):
            resampled, prompts = inside
            told += f", among the texts of one prompt: the mean over the {prompts} prompts whose texts do not all score alike."
            items, numbered = prompts * len(own) // (int(owner.max()) + 1), np.arange(prompts)
            found.append(_outcome("within", policy, metric, told, "Spearman", items, numbered, texts.measures, resampled))
    return found


def rated_outcome(
    asked: str, told: str, values: FloatArray, rating: FloatArray, unit: npt.NDArray[np.int64], measures: Sequence[str]
) -> Outcome | None:
    """Steps against what people said of them on the mean; None where they are of one prompt, which nothing can be resampled of."""
    owner = np.unique(unit, return_inverse=True)[1]
    if owner.max(initial=0) < 1:
        return None
    found = spearman(-values, rating, owner, resamples=RESAMPLES)
    return _outcome("people", asked, "", told, "Spearman", len(rating), owner, measures, found)


def with_holm(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes with the p of every difference adjusted for all of them."""
    rows = [ranking for outcome in outcomes for ranking in outcome.rankings if ranking.p is not None]
    adjusted = iter(holm([row.p for row in rows if row.p is not None]).tolist())
    return tuple(
        replace(outcome, rankings=tuple(replace(r, adjusted=next(adjusted)) if r.p is not None else r for r in outcome.rankings))
        for outcome in outcomes
    )


def tokens_of(texts: Sequence[ReadText]) -> tuple[FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Measures, right or wrong, and prompt of every step of these texts."""
    owner = np.concatenate([np.full(len(text.right), text.unit) for text in texts])
    return np.concatenate([text.values for text in texts]), np.concatenate([text.right for text in texts]), owner


def _within(values: FloatArray, scores: FloatArray, owner: npt.NDArray[np.int64]) -> tuple[Resampled, int] | None:
    """The mean over prompts of the correlation within each, of those where all measures have one; None where fewer than two do."""
    prompts = int(owner.max()) + 1
    by_text = values.reshape(prompts, -1, values.shape[1])
    found = within(by_text, scores.reshape(prompts, -1))
    defined = found[np.isfinite(found).all(axis=1)]
    if len(defined) < 2:
        return None
    return Resampled(defined.mean(axis=0), resample_means(defined, resamples=RESAMPLES, seed=0)), len(defined)


def _outcome(
    kind: Kind,
    of: str,
    metric: str,
    told: str,
    statistic: Statistic,
    items: int,
    owner: npt.NDArray[np.int64],
    measures: Sequence[str],
    found: Resampled,
    *,
    tested: bool = True,
) -> Outcome:
    prompts, base = int(owner.max()) + 1, measures.index(ENTROPY)
    rankings = [_ranking(measure, i, base, found, prompts, tested) for i, measure in enumerate(measures)]
    return Outcome(kind=kind, of=of, metric=metric, told=told, statistic=statistic, items=items, prompts=prompts, rankings=tuple(rankings))


def _ranking(measure: str, column: int, base: int, found: Resampled, prompts: int, tested: bool) -> Ranking:
    """A measure's own number, and its paired difference to entropy's."""
    own = estimate(float(found.value[column]), found.samples[:, column], prompts=prompts)
    if column == base:
        return Ranking(measure=measure, found=own)
    away = found.samples[:, column] - found.samples[:, base]
    difference = estimate(float(found.value[column] - found.value[base]), away, prompts=prompts)
    known = tested and difference is not None and difference.low is not None
    p = float(p_value(away[np.isfinite(away)], prompts=prompts)) if known else None
    return Ranking(measure=measure, found=own, difference=difference, p=p)
