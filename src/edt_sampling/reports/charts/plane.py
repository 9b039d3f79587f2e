"""A sweep's cells in the plane of diversity and quality, with the curve of the fixed temperatures: a chart a map."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from edt_sampling.experiments.findings import Estimate, Row
from edt_sampling.experiments.sweep.findings import Cell, SweepFindings, TaskMap
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import CIRCLE, LIGHT, Style, numbered
from edt_sampling.reports.grid import SETTING, Column, Grid

_FIXED = Style("fixed temperatures", LIGHT["fixed"], CIRCLE, 46)


class _Dot(NamedTuple):
    policy: str
    diversity: Estimate
    quality: Estimate
    style: Style


def planes(findings: SweepFindings) -> list[Figure]:
    """A chart a map."""
    return [_plane(findings, one, number) for number, one in enumerate(findings.maps, 1)]


def _plane(findings: SweepFindings, one: TaskMap, number: int) -> Figure:
    primary, diversity = notation.head(one.primary), notation.head(findings.diversity)
    curve, cells = _dots(findings, one)
    return figure(
        f"plane-{number}",
        lambda frame: _spec(curve, cells, primary, diversity, frame),
        caption=f"{one.name}: {primary} against {diversity} on {one.prompts} dev prompts. Up and to the left is better. The line joins the "
        "fixed temperatures, as far as there are cells; a cell above it has better texts at equal diversity. Along one theta, T0 rises "
        "from right to left.",
        label=f"Chart of {primary} against {diversity} for {len(cells)} cells, and the curve of {len(curve)} fixed temperatures. "
        "The table below holds the numbers.",
        tables=[_table(one, [*curve, *cells], primary, diversity)],
        legend=[dot.style for dot in (*curve, *cells)],
    )


def _dots(findings: SweepFindings, one: TaskMap) -> tuple[list[_Dot], list[_Dot]]:
    """The curve from hot to cold, without greedy; and the cells."""
    styles = {theta: numbered(i, f"theta {theta:g}") for i, theta in enumerate(findings.theta)}

    def dot(found: Row | Cell, style: Style) -> _Dot:
        return _Dot(found.policy, found.values[findings.diversity], found.values[one.primary], style)

    curve = [dot(row, _FIXED) for row in one.fixed if row.role == "fixed"]
    return sorted(curve, key=lambda d: d.diversity.mean), [dot(cell, styles[cell.theta]) for cell in one.cells]


def _spec(whole: Sequence[_Dot], cells: Sequence[_Dot], primary: str, diversity: str, frame: Frame) -> Spec:
    curve = _beside(whole, cells)
    names = [_at(dot) | {"text": notation.setting(dot.policy).removeprefix("T ")} for dot in curve[:: 2 if frame.narrow else 1]]
    layers = [
        marks.line([_at(dot) for dot in curve], LIGHT["fixed"], interpolate="monotone"),
        marks.points([_point(dot, primary, diversity) for dot in curve]),
        marks.words(names, align="left", dx=8, dy=8, fontSize=10),
        marks.points([_point(dot, primary, diversity) for dot in cells]),
    ]
    across = marks.padded([dot.diversity.mean for dot in (*curve, *cells)])
    tall = marks.padded([dot.quality.mean for dot in (*curve, *cells)], 0.08)
    x = marks.channel("x", f"← more diverse, {diversity}", across, ticks=5 if frame.narrow else 9)
    y = marks.channel("y", f"↑ {primary}", tall, ticks=6)
    return marks.chart(x, y, layers, width=frame.width - 60, height=300 if frame.narrow else 420)


def _beside(curve: Sequence[_Dot], cells: Sequence[_Dot]) -> Sequence[_Dot]:
    """As much of the curve as runs beside the cells: its far ends would squash them."""
    places, found = [dot.diversity.mean for dot in curve], [dot.diversity.mean for dot in cells]
    first = max(bisect_right(places, min(found)) - 1, 0)
    last = min(bisect_left(places, max(found)), len(places) - 1)
    return curve[min(first, last) : max(first, last) + 1]


def _at(dot: _Dot) -> marks.Datum:
    return {"x": dot.diversity.mean, "y": dot.quality.mean}


def _point(dot: _Dot, primary: str, diversity: str) -> marks.Datum:
    told = f"{notation.setting(dot.policy)}: {diversity} {notation.estimate(dot.diversity)}, {primary} {notation.estimate(dot.quality)}"
    return marks.point(dot.style, dot.diversity.mean, dot.quality.mean, told)


def _table(one: TaskMap, dots: Sequence[_Dot], primary: str, diversity: str) -> Grid:
    rows = tuple((dot.policy, notation.estimate(dot.diversity), notation.estimate(dot.quality)) for dot in dots)
    return Grid(f"{one.name}: the settings of the chart, with 95% intervals", (SETTING, Column(diversity), Column(primary)), rows)
