"""The effect against model size, or against a training's stages: one comparison a model, and what changes from the first to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edt_sampling.experiments.distances import distances
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Effect, Estimate, Findings
from edt_sampling.experiments.measures import DIVERSITY, label, measures
from edt_sampling.experiments.observed import observed
from edt_sampling.experiments.recipe import Named, Recipe
from edt_sampling.experiments.scored import Scored, scored_test
from edt_sampling.experiments.stage import FORCED, TEST
from edt_sampling.experiments.verdict import interval, p_value
from edt_sampling.significance.bootstrap import mean_interval
from edt_sampling.significance.holm import holm
from edt_sampling.significance.permutation import sign_flip
from edt_sampling.store import Reader

FloatArray = npt.NDArray[np.float64]
CONFIDENT = 1.0
"""Nats: EDT acts on steps below about this entropy."""


class ScaleRecipe(Recipe):
    """A recipe for several models in the place of one."""

    models: list[Named] = Field(min_length=2, description="models from the smallest, or the earliest stage, on; repeatable")

    def of_each(self) -> list[Recipe]:
        """The comparison of each model, the same that ``edt compare`` runs."""
        fields = self.model_dump(exclude={"models"})
        return [Recipe.model_validate(fields | {"model": model}) for model in self.models]


@dataclass(frozen=True, kw_only=True)
class Point:
    """One model. ``quality``: what its greedy texts score, None without greedy; ``confident``: the share of the references' steps with an
    entropy below ``CONFIDENT``; ``nll``: nats a token of the references, untempered."""

    model: str
    parameters: int | None
    content: str
    quality: float | None
    nll: float
    confident: float
    effects: tuple[Effect, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """The subject's effect on a model less that on the first model, over the same test prompts; p of sign flips, adjusted by Holm."""

    model: str
    difference: Estimate
    p: float
    adjusted: float


@dataclass(frozen=True, kw_only=True)
class ScaleFindings:
    """All of it. ``methods``: the subject first."""

    headline: str
    sentences: tuple[str, ...]
    subject: str
    primary: str
    diversity: str
    task: str
    test_prompts: int
    methods: tuple[str, ...]
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    recipe: Mapping[str, Any]


def find_scale(readers: Sequence[Reader], *, run_code: bool = False) -> ScaleFindings:
    """From the complete runs of the models, in their order; with ``run_code`` metrics may run programs of the models.

    Raises:
        StoreError: a run is not complete.
        ValueError: the runs have other test prompts, or one is by an engine that shows texts alone.
    """
    for reader in readers:
        if not observed(reader.environments()):
            raise ValueError(
                f"{reader.path}: its engine shows texts alone, and edt scale teacher-forces the references: draw each run alone"
            )
    first, *others = found = [find(reader, run_code=run_code) for reader in readers]
    every = measures(first.recipe["metrics"], samples=first.samples, run_code=run_code)
    metrics = [metric for metric in every if metric.name in (first.primary, DIVERSITY)]
    tests = [scored_test(reader, metrics) for reader in readers]
    units = [[example.id for example in reader.examples(TEST)] for reader in readers]
    for other, own in zip(others, units[1:], strict=True):
        if own != units[0]:
            raise ValueError(f"models {first.model} and {other.model} have other test prompts: compare them on the same ones")
    points = tuple(_point(findings, reader) for findings, reader in zip(found, readers, strict=True))
    changes = _changes([f.model for f in found], [_parts(test) for test in tests])
    methods = tuple(dict.fromkeys(effect.method for effect in first.effects))
    return ScaleFindings(
        headline=_headline(first, points, changes),
        sentences=tuple(_sentences(first, points, changes)),
        subject=first.subject,
        primary=first.primary,
        diversity=first.diversity,
        task=first.task,
        test_prompts=first.test_prompts,
        methods=methods,
        points=points,
        changes=tuple(changes),
        recipe={name: value for name, value in first.recipe.items() if name != "model"},
    )


def _point(findings: Findings, reader: Reader) -> Point:
    greedy = [row.values[findings.primary].mean for row in findings.rows if row.role == "greedy" and row.stage == "test"]
    steps = list(reader.forced(FORCED[TEST]))
    untempered = [s.policy for s in reader.settings(FORCED[TEST])].index("fixed:temperature=1")
    entropy, nll = (np.concatenate([getattr(s, name)[untempered] for s in steps]) for name in ("entropy", "nll"))
    return Point(
        model=findings.model,
        parameters=next((e["parameters"] for e in findings.environments if "parameters" in e), None),
        content=findings.content,
        quality=greedy[0] if greedy else None,
        nll=float(nll.mean(dtype=np.float64)),
        confident=float((entropy < CONFIDENT).mean()),
        effects=tuple(effect for effect in findings.effects if effect.metric == findings.primary),
    )


def _parts(test: Scored) -> FloatArray | None:
    """Each prompt's part in the subject's effect; None where that is not comparable."""
    subject = test.having("chosen")[:1]
    away = distances(test.scores.values[test.primary], test.scores.values[DIVERSITY], curve=test.curve, settings=subject)
    return away.parts[:, 0] if away.comparable[0] else None


def _changes(models: Sequence[str], parts: Sequence[FloatArray | None]) -> list[Change]:
    """Every model whose effect is comparable, less the first, where that is."""
    if parts[0] is None:
        return []
    differences = [(model, own - parts[0]) for model, own in zip(models[1:], parts[1:], strict=True) if own is not None]
    p = [sign_flip(difference, seed=0) for _, difference in differences]
    adjusted = holm(p).tolist() if p else []
    return [
        Change(model=model, difference=_estimate(difference), p=one, adjusted=all_)
        for (model, difference), one, all_ in zip(differences, p, adjusted, strict=True)
    ]


def _estimate(differences: FloatArray) -> Estimate:
    found = mean_interval(differences, seed=0)
    return Estimate(float(differences.mean()), float(found.low), float(found.high))


def _headline(first: Findings, points: Sequence[Point], changes: Sequence[Change]) -> str:
    if not changes:
        return (
            f"Not comparable: {first.subject} lies off the fixed temperatures' range of diversity on all models but one, or on the first."
        )
    moved = [change for change in changes if change.adjusted <= 0.05]
    if not moved:
        alike = f"{first.subject}'s effect on {label(first.primary)} is the same on all {len(points)} models"
        return f"No change detected: {alike}, as far as {first.test_prompts} test prompts can tell."
    names = ", ".join(f"{c.model} ({c.difference.mean:+.4f})" for c in moved)
    return f"The effect changes: {first.subject}'s on {label(first.primary)} differs from that on {points[0].model} on {names}."


def _sentences(first: Findings, points: Sequence[Point], changes: Sequence[Change]) -> list[str]:
    told = [
        f"On {point.model}: {effect.policy} {effect.effect.mean:+.4f} ({interval(effect.effect)}), {effect.call}."
        for point in points
        for effect in point.effects
        if effect.method == first.subject and effect.effect
    ]
    told += [
        f"{c.model} less {points[0].model}: {c.difference.mean:+.4f} ({interval(c.difference)}, p {p_value(c.adjusted)} after Holm)."
        for c in changes
    ]
    return [line.replace("-0.", "\N{MINUS SIGN}0.") for line in told]
