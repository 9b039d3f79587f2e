"""Where the subject acts on this model: its temperatures over the entropies that the model has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edt_sampling.experiments.findings import Findings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, methods
from edt_sampling.reports.charts.shares import bins
from edt_sampling.reports.grid import Column, Grid


def acting(findings: Findings) -> Figure | None:
    """T of each of the subject's policies over the histogram of H; None where H is not known."""
    if not findings.acting.entropy.shares:
        return None
    count = len(findings.acting.temperatures)
    return figure(
        "acting",
        lambda frame: _spec(findings, frame),
        caption=f"Above: the temperature that each setting of {findings.subject} gives a step of entropy H, the chosen one in colour. "
        "Below: how many of the references' steps have this entropy.",
        label=f"Two charts over entropy in nats: temperature curves of {count} settings of {findings.subject}, "
        "and a histogram of the model's entropies on the references.",
        tables=[_table(findings)],
    )


def _spec(findings: Findings, frame: Frame) -> Spec:
    edges = findings.acting.entropy.edges
    width, domain = frame.width - (150 if frame.narrow else 210), (edges[0], edges[-1])
    ticks = 5 if frame.narrow else 9
    bare = marks.channel("x", "", domain, ticks=ticks, axis={"labels": False, "title": None})
    titled = marks.channel("x", "H, nats →", domain, ticks=ticks)
    return {"vconcat": [_curves(findings, bare, width, 200), _steps(findings, titled, width, 90)], "spacing": 40}


def _curves(findings: Findings, x: Spec, width: int, height: int) -> Spec:
    middles = _middles(findings.acting.entropy.edges)
    chosen = {row.policy for row in findings.rows if row.role == "chosen" and row.method == findings.subject}
    found = sorted(findings.acting.temperatures, key=lambda curve: curve[0] in chosen)
    top = max((t for _, curve in found for t in curve if t is not None), default=1.0)
    strong, layers = methods(findings)[findings.subject].colour, list[Spec | None]()
    for policy, curve in found:
        data = [{"x": h, "y": t} for h, t in zip(middles, curve, strict=True)]
        colour, wide = (strong, 2.5) if policy in chosen else (LIGHT["soft"], 1.0)
        layers.append(marks.line(data, colour, width=wide, told=policy))
    layers += _names(found, chosen, strong, width, height, top * 1.05)
    return marks.chart(x, marks.channel("y", "T", (0.0, top * 1.05), ticks=5), layers, width=width, height=height)


def _names(
    found: Sequence[tuple[str, Sequence[float | None]]], chosen: set[str], colour: str, width: int, height: int, top: float
) -> list[Spec | None]:
    """The settings' names at the right ends of their curves, moved apart."""
    last = [next((t for t in reversed(curve) if t is not None), 0.0) for _, curve in found]
    places = marks.dodged([height * (1 - t / top) for t in last], 14)
    return [
        marks.words(
            [{"text": notation.setting(policy)}],
            x=width + 10,
            y=y,
            align="left",
            fontSize=11,
            color=colour if policy in chosen else LIGHT["soft"],
        )
        for (policy, _), y in zip(found, places, strict=True)
    ]


def _steps(findings: Findings, x: Spec, width: int, height: int) -> Spec:
    histogram = findings.acting.entropy
    top, heights = max(histogram.shares) * 1.05, (*histogram.shares, histogram.shares[-1])
    data = [{"x": edge, "y": share, "y2": 0} for edge, share in zip(histogram.edges, heights, strict=True)]
    layers = [marks.band(data, LIGHT["line"], interpolate="step-after", told="share of the references' steps")]
    return marks.chart(x, marks.channel("y", "share of steps", (0.0, top), ticks=3), layers, width=width, height=height)


def _middles(edges: Sequence[float]) -> list[float]:
    return [(low + high) / 2 for low, high in pairwise(edges)]


def _table(findings: Findings) -> Grid:
    found = findings.acting
    columns = (
        Column("H, nats", "word"),
        Column("share of steps"),
        *(Column(f"T, {notation.setting(policy)}") for policy, _ in found.temperatures),
    )
    rows = tuple(
        (told, notation.number(share), *(notation.number(curve[i]) for _, curve in found.temperatures))
        for i, (told, share) in enumerate(zip(bins(found.entropy.edges), found.entropy.shares, strict=True))
    )
    return Grid("Steps of the references by entropy, and the temperature that they get", columns, rows)
