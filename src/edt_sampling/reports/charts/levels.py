"""How often the model is right at each level of each measure: a small chart a measure."""

from __future__ import annotations

from edt_sampling.experiments.diagnosis.findings import Curve, DiagnosisFindings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import Style, numbered
from edt_sampling.reports.diagnose_grids import curve_grid, measure_name


def levels(findings: DiagnosisFindings) -> Figure:
    """P(right | measure), in tenths of the references' steps."""
    return figure(
        "levels",
        lambda frame: _spec(findings, frame),
        caption="The share of the references' tokens that are the model's best, against each measure of uncertainty, in tenths of the "
        "steps, with 95% intervals. A measure is as good a proxy as its curve falls far and steadily.",
        label=f"{len(findings.curves)} small charts of the share right against a measure: "
        f"{', '.join(measure_name(curve.measure) for curve in findings.curves)}.",
        tables=[curve_grid(curve) for curve in findings.curves],
    )


def _spec(findings: DiagnosisFindings, frame: Frame) -> Spec:
    columns = 1 if frame.narrow else 4
    width, height = (frame.width - 60, 150) if frame.narrow else (frame.width // 4 - 66, 170)
    charts = [_chart(curve, numbered(n, measure_name(curve.measure)), width, height) for n, curve in enumerate(findings.curves)]
    return {"concat": charts, "columns": columns, "spacing": {"column": 20, "row": 40}}


def _chart(curve: Curve, style: Style, width: int, height: int) -> Spec:
    low, high = marks.padded([b.mean for b in curve.bins], 0.06)
    told = [
        marks.point(style, b.mean, b.right.mean, f"{style.name} {b.mean:.3g}: right {notation.estimate(b.right)}, {b.steps} steps")
        for b in curve.bins
    ]
    layers = [
        marks.line([{"x": b.mean, "y": b.right.mean} for b in curve.bins], style.colour),
        marks.spans([datum for b in curve.bins for datum in marks.upright(style.colour, b.mean, b.right)], width=1.5),
        marks.points([datum | {"size": 36} for datum in told]),
    ]
    x = marks.channel("x", f"{style.name} →", (low, high), ticks=4, axis={"grid": False})
    return marks.chart(x, marks.channel("y", "↑ share right", (0.0, 1.0), ticks=3), layers, width=width, height=height)
