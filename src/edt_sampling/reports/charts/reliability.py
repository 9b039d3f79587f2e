"""Reliability: how often the model is right, against how sure it is."""

from __future__ import annotations

from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, numbered
from edt_sampling.reports.diagnose_grids import reliability_grid


def reliability(findings: DiagnosisFindings) -> Figure:
    """The share right in each bin of confidence over the diagonal, and how many steps each bin holds."""
    found = findings.reliability
    return figure(
        "reliability",
        lambda frame: _spec(findings, frame),
        caption="Above: the share of the references' tokens that are the model's best, against the mean of its largest probability, in "
        "bins of equal width, with 95% intervals; on the line it is as often right as it is sure. Below: how many steps each bin holds. "
        f"Expected calibration error {notation.estimate(found.ece)}; a model of perfect calibration shows {notation.number(found.chance)} "
        "on so many steps.",
        label=f"Chart of the share right against confidence in {len(found.bins)} bins, and a histogram of the {findings.steps:,} steps.",
        tables=[reliability_grid(findings)],
    )


def _spec(findings: DiagnosisFindings, frame: Frame) -> Spec:
    width = min(frame.width - 70, 520)
    domain, ticks = (0.0, 1.0), 5
    bare = marks.channel("x", "", domain, ticks=ticks, axis={"labels": False, "title": None})
    titled = marks.channel("x", "confidence, max p →", domain, ticks=ticks)
    return {"vconcat": [_shares(findings, bare, width), _counts(findings, titled, width)], "spacing": 36}


def _shares(findings: DiagnosisFindings, x: Spec, width: int) -> Spec:
    style, bins = numbered(0, "share right"), findings.reliability.bins
    data = [
        marks.point(style, b.mean, b.right.mean, f"confidence {b.mean:.2f}: right {notation.estimate(b.right)}, {b.steps} steps")
        for b in bins
    ]
    layers = [
        marks.line([{"x": 0, "y": 0}, {"x": 1, "y": 1}], LIGHT["soft"], width=1),
        marks.spans([datum for b in bins for datum in marks.upright(style.colour, b.mean, b.right)], width=2),
        marks.points(data),
    ]
    return marks.chart(x, marks.channel("y", "↑ share right", (0.0, 1.0), ticks=5), layers, width=width, height=300)


def _counts(findings: DiagnosisFindings, x: Spec, width: int) -> Spec:
    bins = findings.reliability.bins
    data = [{"x": edge, "y": b.steps / findings.steps, "y2": 0} for b in bins for edge in (b.low, b.high)]
    top = max(b.steps for b in bins) / findings.steps * 1.05
    layers = [marks.band(data, LIGHT["line"], told="share of the references' steps")]
    return marks.chart(x, marks.channel("y", "share of steps", (0.0, top), ticks=3), layers, width=width, height=70)
