"""Quality against diversity on test: the fixed temperatures' curve, and where the other settings lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edt_sampling.experiments.findings import Estimate, Findings, Row
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, Style, style
from edt_sampling.reports.grid import METHOD, SETTING, Column, Grid


class _Dot(NamedTuple):
    row: Row
    diversity: Estimate
    quality: Estimate
    style: Style

    @property
    def on_curve(self) -> bool:
        return self.row.role in ("fixed", "baseline")


def quality(findings: Findings) -> Figure | None:
    """The chart; None if no setting of test has both numbers."""
    dots = _dots(findings)
    if not dots:
        return None
    primary, diversity = notation.head(findings.primary), notation.head(findings.diversity)
    return figure(
        "quality",
        lambda frame: _spec(findings, dots, frame),
        caption=f"{primary} against {diversity} on {findings.test_prompts} test prompts. Up and to the left is better.",
        label=f"Chart of {primary} against {diversity} for {len(dots)} settings on test, with the curve of the fixed temperatures, "
        "its 95% band, and 95% intervals of every setting. The tables below hold the numbers.",
        tables=_tables(findings, dots),
        legend=[dot.style for dot in sorted(dots, key=lambda dot: dot.row.role not in ("greedy", "fixed", "baseline"))],
    )


def _dots(findings: Findings) -> list[_Dot]:
    rows = [row for row in findings.rows if row.stage != "dev" and {findings.primary, findings.diversity} <= row.values.keys()]
    dots = [_Dot(row, row.values[findings.diversity], row.values[findings.primary], style(row, findings)) for row in rows]
    return [dot for dot in dots if notation.known(dot.diversity.mean) and notation.known(dot.quality.mean)]


def _spec(findings: Findings, dots: Sequence[_Dot], frame: Frame) -> Spec:
    (low, high), beyond = _domain(findings, dots)
    shown = [dot for dot in dots if dot not in beyond]
    tall = [y for dot in dots for y in marks.ends(dot.quality)] + [y for point in findings.band for y in marks.ends(point.quality)]
    x = marks.channel("x", f"← more diverse, {notation.head(findings.diversity)}", (low, high), ticks=5 if frame.narrow else 9)
    y = marks.channel("y", f"↑ {notation.head(findings.primary)}", marks.padded(tall), ticks=6)
    edge = [layer for dot in beyond for layer in _beyond(findings, dot, high, frame)]
    layers = [*_curve(findings), *edge, *_points(findings, shown)]
    return marks.chart(x, y, layers, width=frame.width - 60, height=290 if frame.narrow else 420)


def _domain(findings: Findings, dots: Sequence[_Dot]) -> tuple[tuple[float, float], list[_Dot]]:
    """The range of diversity of all but greedy, and greedy if it lies so far off that it would squash the rest."""
    found = [x for dot in dots if dot.row.role != "greedy" for x in marks.ends(dot.diversity)] + [p.diversity for p in findings.band]
    greedy = [dot for dot in dots if dot.row.role == "greedy"]
    low, high = marks.padded(found or [dot.diversity.mean for dot in greedy])
    far = [dot for dot in greedy if dot.diversity.mean > high + 0.3 * (high - low)]
    near = [dot.diversity.mean for dot in greedy if dot not in far and dot.diversity.mean > high]
    return (low, max((high, *(x + 0.02 * (x - low) for x in near)))), far


def _curve(findings: Findings) -> list[Spec | None]:
    """The fixed temperatures' curve with its band."""
    band = [{"x": p.diversity, "y": p.quality.low, "y2": p.quality.high} for p in findings.band if p.quality.low is not None]
    line = [{"x": p.diversity, "y": p.quality.mean} for p in findings.band]
    return [marks.band(band), marks.line(line, LIGHT["fixed"])]


def _points(findings: Findings, dots: Sequence[_Dot]) -> list[Spec | None]:
    """Points with intervals both ways, and the temperatures of the curve below its right."""
    crossed = [datum for dot in dots for datum in marks.across(dot.style.colour, dot.diversity, dot.quality.mean)]
    upright = [datum for dot in dots for datum in marks.upright(dot.style.colour, dot.diversity.mean, dot.quality)]
    points = [marks.point(dot.style, dot.diversity.mean, dot.quality.mean, _told(findings, dot)) for dot in dots]
    names = [{"x": dot.diversity.mean, "y": dot.quality.mean, "text": notation.setting(dot.row.policy)} for dot in dots if dot.on_curve]
    return [
        marks.spans(crossed, opacity=0.55),
        marks.spans(upright, opacity=0.55),
        marks.points(points),
        marks.words(names, align="left", dx=9, dy=12, fontSize=11),
    ]


def _beyond(findings: Findings, dot: _Dot, edge: float, frame: Frame) -> list[Spec | None]:
    """Where a setting beyond the right edge is: its point at the edge, its quality as a line too, its diversity in words."""
    x, y = notation.number(dot.diversity.mean), notation.number(dot.quality.mean)
    told = f"{dot.row.role}: {y} at {notation.head(findings.diversity)} {x} →"
    text = marks.words([{"y": dot.quality.mean, "text": told}], x=frame.width - 60, align="right", dy=-14)
    point = marks.point(dot.style, edge, dot.quality.mean, _told(findings, dot))
    return [marks.level(dot.quality.mean, dash=(2, 3)), text, marks.points([point])]


def _told(findings: Findings, dot: _Dot) -> str:
    found = ((findings.primary, dot.quality), (findings.diversity, dot.diversity))
    told = ", ".join(f"{notation.head(name)} {notation.estimate(value, name)}" for name, value in found)
    return f"{notation.named(dot.row.method, dot.row.policy)}: {told}"


def _tables(findings: Findings, dots: Sequence[_Dot]) -> list[Grid]:
    columns = (Column(notation.head(findings.diversity)), Column(notation.head(findings.primary)))
    cells = ((dot.row.method, dot.row.policy, dot.row.role, *_numbers(findings, dot.diversity, dot.quality)) for dot in dots)
    settings = Grid("The settings of the chart, with 95% intervals", (METHOD, SETTING, Column("role", "word"), *columns), tuple(cells))
    line = tuple(_numbers(findings, Estimate(point.diversity), point.quality) for point in findings.band)
    return [settings, Grid("The fixed temperatures' curve with its 95% band", columns, line)] if line else [settings]


def _numbers(findings: Findings, diversity: Estimate, quality: Estimate) -> tuple[str, str]:
    return notation.estimate(diversity, findings.diversity), notation.estimate(quality, findings.primary)
