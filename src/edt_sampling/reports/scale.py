"""The effect over models: in the terminal, and as one HTML page."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.experiments.findings import Effect
from edt_sampling.experiments.scale import Point, ScaleFindings
from edt_sampling.reports import notation
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.forest import Line, forest
from edt_sampling.reports.charts.palette import numbered
from edt_sampling.reports.frame import render as rendered
from edt_sampling.reports.grid import Column, Grid

_MODEL = Column("model", "word")


def page(findings: ScaleFindings) -> str:
    """The whole page; equal findings give equal bytes."""
    recipe = json.dumps(findings.recipe, indent=2, ensure_ascii=False, default=str)
    drawn = {"effects": [f for f in _effects(findings) if f], "changes": _changes(findings)}
    return rendered("scale.html.j2", findings=findings, figures=drawn, models=_models(findings), recipe=recipe)


def figures(findings: ScaleFindings) -> list[Figure]:
    """The page's charts: the effect of each method over the models, the subject's first, and how the subject's changes."""
    return [figure for figure in (*_effects(findings), _changes(findings)) if figure]


def render(findings: ScaleFindings) -> RenderableType:
    """The verdict above a line for each model and method."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("model", overflow="fold")
    for head in ("parameters", "greedy", "nats a token", "H < 1", "method", "effect at equal diversity", "p (Holm)"):
        table.add_column(head, justify="left" if head == "method" else "right", no_wrap=True)
    for point, effect in _pairs(findings):
        own = effect is point.effects[0]
        facts = (point.model, *_facts(point)) if own else ("",) * 5
        table.add_row(*facts, effect.method, notation.difference(effect.effect), notation.probability(effect.adjusted))
    told = [Text(line) for line in findings.sentences]
    sizes = f"{findings.task}, {findings.test_prompts} test prompts; p: over the methods of one model"
    return Group(Text(findings.headline, style="bold"), *told, Text(), table, Text(sizes, style="dim"))


def _pairs(findings: ScaleFindings) -> Iterator[tuple[Point, Effect]]:
    return ((point, effect) for point in findings.points for effect in point.effects)


def _facts(point: Point) -> tuple[str, str, str, str]:
    size = notation.NONE if point.parameters is None else f"{point.parameters / 1e6:,.1f} M"
    return size, notation.number(point.quality), notation.fixed(point.nll), notation.fixed(point.confident)


def _effects(findings: ScaleFindings) -> list[Figure | None]:
    return [_effect(findings, method, number) for number, method in enumerate(findings.methods)]


def _effect(findings: ScaleFindings, method: str, number: int) -> Figure | None:
    metric = notation.head(findings.primary)
    found = [(point, effect) for point, effect in _pairs(findings) if effect.method == method]
    lines = [Line(point.model, numbered(number, method), effect.effect, effect.detectable) for point, effect in found]
    caption = f"{method}: {metric} less the fixed temperatures' at equal {notation.head(findings.diversity)}, with 95% intervals. "
    caption += "Shaded: too small for a run of this size to find four times in five."
    return forest(f"effects-{number + 1}", lines, caption, f"effect on {metric}, better →", _grid(method, found))


def _grid(method: str, found: list[tuple[Point, Effect]]) -> Grid:
    columns = (_MODEL, Column("setting chosen on dev", "setting"), *map(Column, ("effect [95%]", "adjusted p", "detectable")))
    rows = tuple(
        (p.model, e.policy, notation.difference(e.effect), notation.probability(e.adjusted), notation.size(e.detectable)) for p, e in found
    )
    return Grid(f"{method} over the models", columns, rows)


def _changes(findings: ScaleFindings) -> Figure | None:
    first, metric = findings.points[0].model, notation.head(findings.primary)
    lines = [Line(change.model, numbered(0, findings.subject), change.difference) for change in findings.changes]
    rows = tuple(
        (c.model, notation.difference(c.difference), notation.probability(c.adjusted), notation.probability(c.p)) for c in findings.changes
    )
    grid = Grid(f"{findings.subject}: less {first}", (_MODEL, *map(Column, ("difference [95%]", "adjusted p", "p"))), rows)
    caption = f"{findings.subject}'s effect on each model less that on {first}, over the same test prompts, with 95% intervals."
    return forest("changes", lines, caption, f"change of the effect on {metric}", grid)


def _models(findings: ScaleFindings) -> Grid:
    names = ("parameters", f"greedy {notation.head(findings.primary)}", "nats a token", "steps with H < 1")
    rows = tuple((point.model, *_facts(point)) for point in findings.points)
    return Grid("The models", (_MODEL, *map(Column, names)), rows)
