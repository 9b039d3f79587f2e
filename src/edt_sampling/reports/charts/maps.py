"""A sweep's maps: what is drawn of each cell, and the figures of all maps side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.sweep.findings import Cell, Criterion, SweepFindings, TaskMap
from edt_sampling.reports import notation
from edt_sampling.reports.charts.figure import Figure, figure
from edt_sampling.reports.charts.heat import Panel, Tile, heat
from edt_sampling.reports.charts.scales import Scale, centred, level
from edt_sampling.reports.grid import Column, Grid


@dataclass(frozen=True)
class Measure:
    """A number of each cell: ``of`` finds it (None: it has none), ``short`` writes it into the cell, ``full`` into the table."""

    title: str
    of: Callable[[Cell], Estimate | None]
    short: Callable[[float], str]
    full: Callable[[Estimate | None], str]
    best: Criterion | None = None
    """The criterion whose best cell is marked."""
    tested: bool = False
    """Whether it is what cells are tested by."""


def distance(findings: SweepFindings) -> Figure:
    """Each cell's distance to the fixed curve, with what differs and the best one marked."""
    panels = [(one, _effect(one.primary)) for one in findings.maps]
    metrics = " or ".join(dict.fromkeys(notation.head(one.primary) for one in findings.maps))
    caption = (
        f"{metrics} less the fixed temperatures' at equal {notation.head(findings.diversity)}: blue is above them, orange below, and pale "
        "what a run of this size would hardly see. Outlined: differs from them at 5% over the whole map. Hatched: not comparable, because "
        "no fixed temperature is surely as diverse. Each map has its own scale."
    )
    return _figure("distance", findings, panels, caption)


def quality(findings: SweepFindings) -> Figure:
    """Every metric that reads references."""
    panels = [(one, _column(name)) for one in findings.maps for name in one.qualities]
    return _figure("map-quality", findings, panels, "Quality: higher is better. Each map has its own scale.")


def diversity(findings: SweepFindings) -> Figure:
    """Self-BLEU."""
    name = notation.head(findings.diversity)
    panels = [(one, _column(findings.diversity)) for one in findings.maps]
    return _figure("map-diversity", findings, panels, f"{name}: lower is more diverse. Each map has its own scale.")


def eda(findings: SweepFindings) -> Figure:
    """EDA, with the best one marked."""
    panels = [(one, _column("eda", best="eda")) for one in findings.maps]
    return _figure("map-eda", findings, panels, "EDA: quality and diversity in one number, lower is better. Each map has its own scale.")


def temperature(findings: SweepFindings) -> Figure:
    """Realised mean temperatures."""
    panels = [(one, _column("temperature")) for one in findings.maps]
    return _figure("map-temperature", findings, panels, "T that the tokens were drawn at, mean over a prompt's tokens, then over prompts.")


def cold(findings: SweepFindings) -> Figure:
    """The share of steps that are next to greedy."""
    panels = [(one, _column("cold")) for one in findings.maps]
    return _figure("map-cold", findings, panels, "Share of steps with T below 0.05, which are next to greedy.")


def best(findings: SweepFindings) -> Figure:
    """How often each cell is the best one."""
    panels = [(one, _share(by)) for one in findings.maps for by in one.best]
    caption = "Share of resamples of the prompts in which a cell is the best one: the more cells share it, the less the best one is known."
    return _figure("best", findings, panels, caption)


def _effect(metric: str) -> Measure:
    def short(value: float) -> str:
        return notation.signed(value, metric)

    def full(found: Estimate | None) -> str:
        return notation.difference(found, metric) if found else "not comparable"

    return Measure(f"{notation.head(metric)} at equal diversity", lambda cell: cell.effect, short, full, "effect", tested=True)


def _column(name: str, *, best: Criterion | None = None) -> Measure:
    def short(value: float) -> str:
        return notation.number(value, name)

    return Measure(notation.head(name), lambda cell: cell.values.get(name), short, lambda found: notation.estimate(found, name), best)


def _share(by: Criterion) -> Measure:
    def of(cell: Cell) -> Estimate | None:
        return Estimate(cell.best[by]) if by == "eda" or cell.effect else None

    def full(found: Estimate | None) -> str:
        return notation.percent(found.mean) if found else "not comparable"

    return Measure("best by distance" if by == "effect" else "best by EDA", of, notation.percent, full, by)


def _figure(name: str, findings: SweepFindings, panels: Sequence[tuple[TaskMap, Measure]], caption: str) -> Figure:
    drawn = [_panel(findings, one, measure) for one, measure in panels]
    label = f"{len(drawn)} {'maps' if len(drawn) > 1 else 'map'} over T0 and theta. {caption} The tables below hold the numbers."
    tables = [_grid(findings, one, measure) for one, measure in panels]
    return figure(name, lambda frame: heat(drawn, frame), caption=caption, label=label, tables=tables)


def _panel(findings: SweepFindings, one: TaskMap, measure: Measure) -> Panel:
    scale = _scale(one, measure)
    return Panel(
        title=_titled(one, measure),
        rows=[f"{t0:g}" for t0 in findings.t0],
        columns=[f"{theta:g}" for theta in findings.theta],
        tiles=[[_tile(one, cell, measure) for cell in row] for row in _rows(findings, one)],
        scale=scale,
        ends=(measure.short(scale.low), measure.short(scale.high)),
    )


def _scale(one: TaskMap, measure: Measure) -> Scale:
    """Over the map's values. That of distances reaches at least as far as what half of the cells could have shown, so that a map of noise
    is pale."""
    values = [found.mean for cell in one.cells if (found := measure.of(cell))]
    if not measure.tested:
        return level(values)
    seen = [cell.detectable for cell in one.cells if cell.detectable is not None]
    return centred([*values, *([median(seen)] if seen else [])])


def _tile(one: TaskMap, cell: Cell, measure: Measure) -> Tile:
    found = measure.of(cell)
    best = one.best.get(measure.best) if measure.best else None
    return Tile(
        value=found.mean if found else None,
        text=measure.short(found.mean) if found else "",
        told=f"T0 {cell.t0:g}, theta {cell.theta:g}: {measure.full(found)}",
        marked=measure.tested and cell in one.different,
        best=best is not None and best.cell.policy == cell.policy,
    )


def _rows(findings: SweepFindings, one: TaskMap) -> list[list[Cell]]:
    """By t0, then theta."""
    by_place = {(cell.t0, cell.theta): cell for cell in one.cells}
    return [[by_place[t0, theta] for theta in findings.theta] for t0 in findings.t0]


def _grid(findings: SweepFindings, one: TaskMap, measure: Measure) -> Grid:
    columns = (Column("T0", "word"), *(Column(f"theta {theta:g}") for theta in findings.theta))
    rows = tuple((f"{row[0].t0:g}", *(measure.full(measure.of(cell)) for cell in row)) for row in _rows(findings, one))
    return Grid(_titled(one, measure), columns, rows)


def _titled(one: TaskMap, measure: Measure) -> str:
    return f"{one.name}: {measure.title}"
