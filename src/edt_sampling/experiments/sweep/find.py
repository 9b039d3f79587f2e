"""From complete sweeps to their findings: everything is computed again from the stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.measures import DIVERSITY, measures
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.rows import rows
from edt_sampling.experiments.score import score
from edt_sampling.experiments.scored import Scored, scored
from edt_sampling.experiments.sweep.findings import SweepFindings, TaskMap
from edt_sampling.experiments.sweep.grid import place
from edt_sampling.experiments.sweep.maps import best, cells, judge, least_adjusted, mean_effect
from edt_sampling.experiments.sweep.stage import SWEEP, check_complete
from edt_sampling.experiments.sweep.surfaces import surfaces
from edt_sampling.experiments.sweep.transfer import Made, agreements, regrets
from edt_sampling.experiments.sweep.verdict import headline, sentences
from edt_sampling.store import Reader

COLD = 0.05
"""A step below this temperature is next to greedy."""


def find_sweep(readers: Sequence[Reader], *, metrics: Sequence[str] | None = None, run_code: bool = False) -> SweepFindings:
    """The findings of complete sweeps of one grid, a map each, by these metrics (default: each recipe's own); with ``run_code`` they may
    run programs of the model.

    Raises:
        StoreError: a run that is no sweep's, or is not complete.
        ValueError: the runs hold different grids; or a metric must run programs, and may not.
    """
    made = _named([_made(reader, metrics, run_code) for reader in readers])
    grids = [tuple(cell.policy for cell in one.map.cells) for one in made]
    for reader, grid in zip(readers, grids, strict=True):
        if grid != grids[0]:
            raise ValueError(
                f"{reader.path}: holds another grid than {readers[0].path}; maps can be drawn together that have the same cells"
            )
    maps, lost, alike = [one.map for one in made], regrets(made), agreements(made)
    places = [place(policy) for policy in grids[0]]
    return SweepFindings(
        headline=headline(maps),
        sentences=tuple(sentences(maps, lost, alike)),
        method=Recipe.model_validate(maps[0].recipe).candidates[0].name,
        diversity=DIVERSITY,
        t0=tuple(sorted({t0 for t0, _ in places})),
        theta=tuple(sorted({theta for _, theta in places})),
        maps=tuple(maps),
        regrets=tuple(lost),
        agreements=tuple(alike),
    )


def _made(reader: Reader, metrics: Sequence[str] | None, run_code: bool) -> Made:
    check_complete(reader)
    stored = reader.recipe()
    recipe = Recipe.model_validate({**stored, "metrics": list(metrics or stored["metrics"])})
    sweep = _scored(reader, recipe, run_code)
    made = surfaces(sweep)
    judged, own = judge(made), rows(sweep, made.eda)
    points = [own[i] for i in made.cells]
    values = [{name: estimate for name, estimate in row.values.items() if name != "effect"} for row in points]
    found = cells(judged, [row.policy for row in points], values)
    told = TaskMap(
        name=recipe.task,
        model=recipe.model,
        task=recipe.task,
        content=reader.content(),
        prompts=made.prompts,
        samples=recipe.samples,
        seeds=tuple(recipe.seeds),
        filters=recipe.filters,
        primary=sweep.primary,
        qualities=tuple(sweep.metrics),
        cells=tuple(found),
        fixed=tuple(row for row in own if row.role in ("greedy", "fixed")),
        mean=mean_effect(judged, made.prompts),
        least=least_adjusted(judged),
        best=best(found),
        signatures=_signatures(sweep, made.eda.signature, len(judged.family)),
        environments=tuple(reader.environments()),
        recipe=recipe.model_dump(mode="json"),
    )
    return Made(told, made, judged)


def _scored(reader: Reader, recipe: Recipe, run_code: bool) -> Scored:
    """The stage's scores, with ``cold``."""
    chosen = measures(recipe.metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads)
    found = scored(reader, SWEEP, score(reader, SWEEP, chosen), chosen)
    scores = found.scores
    cold = _cold(reader, scores.values[DIVERSITY].shape)
    told = f"cold|share of a prompt's steps with T below {COLD:g}, mean over prompts"
    scores = replace(scores, values={**scores.values, "cold": cold}, signatures={**scores.signatures, "cold": told})
    return replace(found, scores=scores, columns=[*found.columns, "cold"])


def _cold(reader: Reader, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """The share of next to greedy steps, ``[prompts, settings]``; 0 where there was none."""
    counts = np.array([((t.temperature < COLD).sum(), len(t.temperature)) for t in reader.traces(SWEEP)], dtype=np.float64)
    below, steps = np.moveaxis(counts.reshape(*shape, -1, 2).sum(axis=2), -1, 0)
    return below / np.maximum(steps, 1)


def _named(made: Sequence[Made]) -> list[Made]:
    """Maps of one task are told apart by their runs."""
    tasks = [one.map.task for one in made]
    return [
        replace(one, map=replace(one.map, name=f"{one.map.task} ({one.map.content[:8]})")) if tasks.count(one.map.task) > 1 else one
        for one in made
    ]


def _signatures(sweep: Scored, eda: str, family: int) -> dict[str, str]:
    """What each number is, word for word."""
    drawn = "resampled:prompts, 10000, seed 0"
    return {
        **sweep.scores.signatures,
        "eda": f"{eda}|Q:{sweep.primary}|R from:{'greedy' if sweep.having('greedy') else 'the best setting'}",
        "effect": f"effect|{sweep.primary}, vertical distance to the fixed temperatures' curve|x:{DIVERSITY}"
        f"|interval:bootstrap, expanded percentile, 95%, not corrected|{drawn}|p:two-sided|family:Holm over {family} cells"
        "|detectable:80% power at 5% over the family",
        "best": f"best|share of resamples in which a cell is the best|{drawn}",
    }
