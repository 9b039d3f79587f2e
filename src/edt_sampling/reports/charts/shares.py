"""Distributions under each other: one histogram a setting, the baseline's outlined behind it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edt_sampling.experiments.findings import Distribution, Findings
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec, draw
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.palette import LIGHT, methods
from edt_sampling.reports.grid import Column, Grid

_WIDTH, _STEP, _TALL = 264, 66, 40


def entropies(findings: Findings) -> Figure | None:
    """H of the steps that were generated."""
    return _figure("entropies", findings, findings.entropies, "H, nats", "H, the entropy of each step before its temperature")


def temperatures(findings: Findings) -> Figure | None:
    """T of the steps that were generated."""
    return _figure("temperatures", findings, findings.temperatures, "T", "T, the temperature of each step")


def lengths(findings: Findings) -> Figure | None:
    """Lengths of the texts that were generated."""
    return _figure("lengths", findings, findings.lengths, "tokens", "Lengths of the texts, in tokens")


def bins(edges: Sequence[float]) -> list[str]:
    """What each bin holds: ``0.0 to 0.5``, and the last one ``4.5 and above``."""
    told = [f"{edge:g}" for edge in edges]
    return [f"{low} to {high}" for low, high in pairwise(told[:-1])] + [f"{told[-2]} and above"]


def outline(found: Distribution, base: float, tall: float) -> list[marks.Datum]:
    """The histogram's upper edge, in pixels from the top, so tall over its base at the largest bin; for steps after each datum."""
    top, heights = max(found.shares) or 1.0, (*found.shares, found.shares[-1])
    return [{"x": edge, "y": base - tall * share / top, "y2": base} for edge, share in zip(found.edges, heights, strict=True)]


def _figure(name: str, findings: Findings, found: Sequence[Distribution], axis: str, caption: str) -> Figure | None:
    if not found:
        return None
    names = ", ".join(notation.named(one.method, one.policy) for one in found)
    return Figure(
        name=name,
        caption=f"{caption}.",
        label=f"Histograms, one a setting: {caption}. Settings: {names}.",
        drawings=(("any", draw(_spec(findings, found, axis))),),
        tables=(_table(found, axis),),
    )


def _spec(findings: Findings, found: Sequence[Distribution], axis: str) -> Spec:
    """Each histogram is as tall as its largest bin, so that a fixed temperature's only one does not flatten the rest."""
    styles, behind, layers = methods(findings), _baseline(findings, found), list[Spec | None]()
    for n, one in enumerate(found):
        base, name = (n + 1) * _STEP - 6, notation.named(one.method, one.policy)
        area = marks.band(outline(one, base, _TALL), styles[one.method].colour, interpolate="step-after", opacity=0.6, told=name)
        ghost = (
            marks.line(outline(behind, base, _TALL), LIGHT["ink"], width=1, interpolate="step-after")
            if behind and behind is not one
            else None
        )
        layers += [
            area,
            ghost,
            marks.level(base),
            marks.words([{"y": base - _TALL - 12, "text": name}], x=0, align="left", color=LIGHT["ink"]),
        ]
    edges = [edge for one in found for edge in one.edges]
    x = marks.channel("x", f"{axis} →", (min(edges), max(edges)), ticks=5)
    return marks.chart(x, marks.PIXELS, layers, width=_WIDTH, height=len(found) * _STEP)


def _baseline(findings: Findings, found: Sequence[Distribution]) -> Distribution | None:
    """The baseline's distribution, if it has one."""
    policies = {row.policy for row in findings.rows if row.role == "baseline"}
    return next((one for one in found if one.policy in policies), None)


def _table(found: Sequence[Distribution], axis: str) -> Grid:
    """Shares by bin; a column a setting."""
    edges = sorted({one.edges for one in found})
    shares = [{(one.edges, i): share for i, share in enumerate(one.shares)} for one in found]
    rows = tuple((told, *(notation.number(s.get((e, i))) for s in shares)) for e in edges for i, told in enumerate(bins(e)))
    return Grid("Share of each bin", (Column(axis, "word"), *(Column(notation.named(one.method, one.policy)) for one in found)), rows)
