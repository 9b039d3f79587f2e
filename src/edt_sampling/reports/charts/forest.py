"""Differences under each other with their intervals, and where no difference would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edt_sampling.experiments.findings import Estimate, Findings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, Style, methods, style
from edt_sampling.reports.differences import effects_grid, paired_grid
from edt_sampling.reports.grid import Grid

_NAMES, _NUMBERS = 220, 180
"""Widths of what stands to the left and to the right of the intervals."""


@dataclass(frozen=True)
class Line:
    """One line of the forest. ``blind``: differences nearer to 0 than this go unseen in a run of this size."""

    name: str
    style: Style
    found: Estimate | None
    blind: float | None = None


def effects(findings: Findings) -> Figure | None:
    """Each chosen setting's distance to the fixed curve, in the primary metric; its table holds the other metrics too."""
    styles = methods(findings)
    shown = [effect for effect in findings.effects if effect.metric == findings.primary]
    lines = [Line(notation.named(e.method, e.policy), styles[e.method], e.effect, e.detectable) for e in shown]
    metric = notation.head(findings.primary)
    caption = f"{metric} less the fixed temperatures' at equal {notation.head(findings.diversity)}, with 95% intervals."
    if any(line.blind is not None for line in lines):
        caption += " Shaded: too small for a run of this size to find four times in five."
    return forest("effects", lines, caption, f"effect on {metric}, better →", effects_grid(findings))


def paired(findings: Findings) -> Figure | None:
    """Each chosen setting less the baseline, in the primary metric."""
    styles = methods(findings)
    shown = [pair for pair in findings.paired if pair.metric == findings.primary]
    lines = [Line(notation.named(pair.method, pair.policy), styles[pair.method], pair.difference) for pair in shown]
    others = " or ".join(dict.fromkeys(notation.named(pair.other_method, pair.other) for pair in shown))
    metric = notation.head(findings.primary)
    caption = f"{metric} less that of {others}, over the same test prompts, with 95% intervals."
    return forest("paired", lines, caption, f"difference in {metric}, better →", paired_grid(findings.paired))


def ablations(findings: Findings) -> Figure | None:
    """The subject's chosen setting less each of its ablations, in the metric that they are tested in, which comes first."""
    rows = {(row.method, row.policy): row for row in findings.rows if row.stage != "dev"}
    shown = [pair for pair in findings.ablations if pair.metric == findings.ablations[0].metric]
    lines = [
        Line(notation.named(*other), style(rows[other], findings), pair.difference)
        for pair in shown
        if (other := (pair.other_method, pair.other)) in rows
    ]
    subjects = " or ".join(dict.fromkeys(notation.named(pair.method, pair.policy) for pair in shown))
    metric = notation.head(shown[0].metric) if shown else ""
    caption = f"{metric} of {subjects} less that of each of these, over the same test prompts, with 95% intervals."
    return forest("ablations", lines, caption, f"difference in {metric}, better →", paired_grid(findings.ablations))


def forest(name: str, lines: Sequence[Line], caption: str, title: str, grid: Grid) -> Figure | None:
    """The figure; None if nothing has a difference to show."""
    if not any(line.found for line in lines):
        return None
    label = f"Forest plot of {len(lines)} {'lines' if len(lines) > 1 else 'line'}. {caption} The table below holds the numbers."
    return figure(name, lambda frame: _spec(lines, title, frame), caption=caption, label=label, tables=[grid], open=True)


def _spec(lines: Sequence[Line], title: str, frame: Frame) -> Spec:
    step, width = (46, frame.width - 24) if frame.narrow else (34, frame.width - _NAMES - _NUMBERS)
    places = [(n + 0.5) * step + (8 if frame.narrow else 0) for n in range(len(lines))]
    placed = [(line, line.found, y) for line, y in zip(lines, places, strict=True) if line.found]
    layers = [
        _shades(lines, places),
        _nought(places, frame),
        marks.spans([datum for line, found, y in placed for datum in marks.across(line.style.colour, found, y)], width=2),
        marks.points([marks.point(line.style, found.mean, y, f"{line.name}: {notation.difference(found)}") for line, found, y in placed]),
        *_labels(lines, places, width, frame),
    ]
    domain, ticks = marks.padded([0.0, *_reach(lines)]), 5 if frame.narrow else 7
    x = marks.channel("x", title, domain, ticks=ticks, signed=True, axis={"grid": not frame.narrow})
    return marks.chart(x, marks.PIXELS, layers, width=width, height=len(lines) * step + 8)


def _reach(lines: Sequence[Line]) -> list[float]:
    """All that the scale must hold: intervals, and what would go unseen."""
    blind = [line.blind for line in lines if line.blind]
    return [x for line in lines if line.found for x in marks.ends(line.found)] + blind + [-x for x in blind]


def _nought(places: Sequence[float], frame: Frame) -> Spec | None:
    """The line at 0; on narrow pages it makes way for the names above the intervals."""
    if not frame.narrow:
        return marks.nought()
    return marks.spans([{"x": 0, "y": y - 10, "y2": y + 10, "stroke": LIGHT["soft"]} for y in places], width=1)


def _shades(lines: Sequence[Line], places: Sequence[float]) -> Spec | None:
    """Where a difference would go unseen."""
    data = [{"x": -line.blind, "x2": line.blind, "y": y - 7, "y2": y + 7} for line, y in zip(lines, places, strict=True) if line.blind]
    if not data:
        return None
    mark = {"type": "rect", "color": LIGHT["band"], "opacity": 1, "aria": False}
    return {"data": {"values": data}, "mark": mark, "encoding": {"x2": {"field": "x2"}, "y2": {"field": "y2"}}}


def _labels(lines: Sequence[Line], places: Sequence[float], width: int, frame: Frame) -> list[Spec | None]:
    """Names to the left and numbers to the right of the intervals; on narrow pages both above them."""
    names = [{"y": y, "text": line.name} for line, y in zip(lines, places, strict=True)]
    told = [notation.difference(line.found) if line.found else "not comparable" for line in lines]
    numbers = [{"y": y, "text": text} for text, y in zip(told, places, strict=True)]
    if frame.narrow:
        return [
            marks.words(names, x=0, align="left", color=LIGHT["ink"], dy=-17, fontSize=11),
            marks.words(numbers, x=width, align="right", dy=-17, fontSize=11),
        ]
    return [
        marks.words(names, x=-_NAMES, align="left", color=LIGHT["ink"], limit=_NAMES - 10),
        marks.words(numbers, x=width + _NUMBERS - 10, align="right"),
    ]
