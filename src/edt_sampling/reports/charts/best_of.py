"""What trying more settings gains: the best of k, chosen on prompts other than those it is scored on."""

from __future__ import annotations

from edt_sampling.experiments.findings import BestOf, Findings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, methods
from edt_sampling.reports.grid import Column, Grid


def best_of(findings: Findings) -> Figure | None:
    """A line a method; None where no method tried two settings."""
    if max((point.k for point in findings.best_of), default=1) < 2:
        return None
    metric = notation.head(findings.primary)
    lines = _lines(findings)
    return figure(
        "best-of",
        lambda frame: _spec(findings, frame),
        caption=f"Expected effect on {metric} at equal {notation.head(findings.diversity)} of the best of k settings, chosen on half of "
        "the dev prompts and scored on the other half.",
        label=f"Lines of the expected effect against the number of settings tried, for {', '.join(lines)}.",
        tables=[best_of_table(findings)],
    )


def best_of_table(findings: Findings) -> Grid:
    """Methods by number of settings tried."""
    lines = _lines(findings)
    counts = sorted({point.k for point in findings.best_of})
    found = {(point.method, point.k): point.effect for point in findings.best_of}
    rows = tuple((name, *(notation.signed(found.get((name, k)), findings.primary) for k in counts)) for name in lines)
    return Grid("Expected effect of the best of k settings", (Column("method", "word"), *(Column(f"k = {k}") for k in counts)), rows)


def _lines(findings: Findings) -> dict[str, list[BestOf]]:
    lines: dict[str, list[BestOf]] = {}
    for point in sorted(findings.best_of, key=lambda point: point.k):
        lines.setdefault(point.method, []).append(point)
    order = list(dict.fromkeys(point.method for point in findings.best_of))
    return {name: lines[name] for name in order}


def _spec(findings: Findings, frame: Frame) -> Spec:
    width, height = (frame.width - 140, 240) if frame.narrow else (frame.width - 160, 280)
    low, high = marks.padded([0.0, *(point.effect for point in findings.best_of)], 0.08)
    counts = sorted({point.k for point in findings.best_of})
    whole: Spec = {"values": counts, "labelExpr": "format(datum.value, 'd')", "grid": False}
    x = marks.channel("x", "k, settings tried →", (counts[0] - 0.1, counts[-1] + 0.1), ticks=len(counts), axis=whole)
    y = marks.channel("y", "↑ expected effect", (low, high), ticks=5, signed=True)
    lines = _lines(findings)
    places = marks.dodged([height * (high - line[-1].effect) / (high - low) for line in lines.values()], 15)
    names = [
        marks.words([{"x": line[-1].k, "text": name}], align="left", dx=12, y=at, color=LIGHT["ink"])
        for (name, line), at in zip(lines.items(), places, strict=True)
    ]
    return marks.chart(x, y, [marks.level(), *_drawn(findings), *names], width=width, height=height)


def _drawn(findings: Findings) -> list[Spec]:
    """Each method's line, and its points over all lines."""
    lines, styles = _lines(findings), methods(findings)
    drawn = [marks.line([{"x": p.k, "y": p.effect} for p in line], styles[name].colour) for name, line in lines.items()]
    points = [
        marks.point(styles[p.method], p.k, p.effect, f"{p.method}, best of {p.k}: {notation.signed(p.effect)}") for p in findings.best_of
    ]
    return [*drawn, marks.points(points)]
