"""Temperatures over the entropies that a model has: where a policy acts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from edt_sampling.experiments.findings import Distribution, Findings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, methods
from edt_sampling.reports.charts.shares import bins
from edt_sampling.reports.grid import Column, Grid


class Heat(NamedTuple):
    """A policy's temperature in each bin of entropy, None where it has no step there; ``name`` stands at the curve's end."""

    name: str
    temperatures: Sequence[float | None]
    colour: str
    width: float


class Steps(NamedTuple):
    """How many steps have which entropy; ``name`` says whose they are."""

    name: str
    entropy: Distribution
    colour: str


def acting(findings: Findings) -> Figure | None:
    """T of each of the subject's policies over the histogram of H; None where H is not known."""
    found = findings.acting
    if not found.entropy.shares:
        return None
    chosen = {row.policy for row in findings.rows if row.role == "chosen" and row.method == findings.subject}
    strong = methods(findings)[findings.subject].colour
    heats = [
        Heat(notation.setting(policy), curve, *((strong, 2.5) if policy in chosen else (LIGHT["soft"], 1.0)))
        for policy, curve in sorted(found.temperatures, key=lambda pair: pair[0] in chosen)
    ]
    return over_entropy(
        "acting",
        heats,
        [Steps("the references", found.entropy, LIGHT["line"])],
        caption=f"Above: the temperature that each setting of {findings.subject} gives a step of entropy H, the chosen one in colour. "
        "Below: how many of the references' steps have this entropy.",
        label=f"Two charts over entropy in nats: temperature curves of {len(heats)} settings of {findings.subject}, "
        "and a histogram of the model's entropies on the references.",
        table=_table(findings),
    )


def over_entropy(name: str, heats: Sequence[Heat], steps: Sequence[Steps], *, caption: str, label: str, table: Grid) -> Figure:
    """The temperature curves over the histograms, of the same bins: the first filled, the others outlined."""
    return figure(name, lambda frame: _spec(heats, steps, frame), caption=caption, label=label, tables=[table])


def _spec(heats: Sequence[Heat], steps: Sequence[Steps], frame: Frame) -> Spec:
    edges = steps[0].entropy.edges
    width, domain = frame.width - (150 if frame.narrow else 210), (edges[0], edges[-1])
    ticks = 5 if frame.narrow else 9
    bare = marks.channel("x", "", domain, ticks=ticks, axis={"labels": False, "title": None})
    titled = marks.channel("x", "H, nats →", domain, ticks=ticks)
    return {"vconcat": [_curves(heats, edges, bare, width, 200), _steps(steps, titled, width, 90)], "spacing": 40}


def _curves(heats: Sequence[Heat], edges: Sequence[float], x: Spec, width: int, height: int) -> Spec:
    middles = _middles(edges)
    top = max((t for heat in heats for t in heat.temperatures if t is not None), default=1.0)
    layers = list[Spec | None]()
    for heat in heats:
        data = [{"x": h, "y": t} for h, t in zip(middles, heat.temperatures, strict=True)]
        layers.append(marks.line(data, heat.colour, width=heat.width, told=heat.name))
    layers += _names(heats, width, height, top * 1.05)
    return marks.chart(x, marks.channel("y", "T", (0.0, top * 1.05), ticks=5), layers, width=width, height=height)


def _names(heats: Sequence[Heat], width: int, height: int, top: float) -> list[Spec | None]:
    """The settings' names at the right ends of their curves, moved apart."""
    last = [next((t for t in reversed(heat.temperatures) if t is not None), 0.0) for heat in heats]
    places = marks.dodged([height * (1 - t / top) for t in last], 14)
    return [
        marks.words([{"text": heat.name}], x=width + 10, y=y, align="left", fontSize=11, color=heat.colour)
        for heat, y in zip(heats, places, strict=True)
    ]


def _steps(steps: Sequence[Steps], x: Spec, width: int, height: int) -> Spec:
    top = max(max(one.entropy.shares) for one in steps) * 1.05
    layers = list[Spec | None]()
    for n, one in enumerate(steps):
        heights = (*one.entropy.shares, one.entropy.shares[-1])
        data = [{"x": edge, "y": share, "y2": 0} for edge, share in zip(one.entropy.edges, heights, strict=True)]
        told = f"share of the steps of {one.name}"
        if n == 0:
            layers.append(marks.band(data, one.colour, interpolate="step-after", told=told))
        else:
            layers.append(marks.line(data, one.colour, width=1.5, interpolate="step-after", told=told))
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
