"""Teacher-forced on references: how badly a setting predicts them, against how uncertain it is."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.findings import Findings, ForcedPoint
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, methods
from edt_sampling.reports.grid import METHOD, SETTING, Column, Grid


def forced(findings: Findings) -> Figure | None:
    """NLL over the distance to the fixed temperatures, both against mean tempered entropy; None without points."""
    if not findings.forced:
        return None
    styles = methods(findings)
    fixed, dynamic = _parted(findings)
    return figure(
        "forced",
        lambda frame: _spec(findings, frame),
        caption=f"Above: NLL of the references, in nats a token, over {findings.forced_tokens:,} of their tokens. "
        "Below: NLL less that of the fixed temperature with the same mean tempered entropy. In both, lower is better.",
        label=f"Two charts over mean tempered entropy: the NLL of the references for {len(fixed)} fixed temperatures as a line and "
        f"{len(dynamic)} other settings as points, and each of these settings' distance to the line with its 95% interval.",
        tables=[_table(findings.forced)],
        legend=[styles[point.method] for point in findings.forced],
    )


def _parted(findings: Findings) -> tuple[list[ForcedPoint], list[ForcedPoint]]:
    """Fixed temperatures by entropy, and the rest."""
    fixed = [point for point in findings.forced if point.policy.startswith("fixed:")]
    return sorted(fixed, key=lambda point: point.entropy), [point for point in findings.forced if point not in fixed]


def _domain(findings: Findings) -> tuple[float, float]:
    """The range of entropy of the settings that are sampled too: the fixed temperatures of the dense grid reach far beyond."""
    sampled = {row.policy for row in findings.rows}
    _, dynamic = _parted(findings)
    return marks.padded([point.entropy for point in findings.forced if point.policy in sampled or point in dynamic])


def _spec(findings: Findings, frame: Frame) -> Spec:
    domain, width = _domain(findings), frame.width - 60
    ticks = 5 if frame.narrow else 9
    bare = marks.channel("x", "", domain, ticks=ticks, axis={"labels": False, "title": None})
    titled = marks.channel("x", "mean tempered entropy, nats →", domain, ticks=ticks)
    above = _nll(findings, bare, width, 210 if frame.narrow else 260)
    below = _distance(findings, titled, width, 150 if frame.narrow else 170)
    return {"vconcat": [above, below], "spacing": 44} if below else _nll(findings, titled, width, 260)


def _nll(findings: Findings, x: Spec, width: int, height: int) -> Spec:
    """The fixed temperatures as a line, with dots and names for those that are sampled too; the other settings as points."""
    styles, sampled = methods(findings), {row.policy for row in findings.rows}
    (low, high), (fixed, dynamic) = _domain(findings), _parted(findings)
    fixed = [p for p in fixed if low <= p.entropy <= high]
    known = [p for p in fixed if p.policy in sampled]
    names = [{"x": p.entropy, "y": p.nll.mean, "text": notation.setting(p.policy)} for p in known]
    layers = [
        marks.band([{"x": p.entropy, "y": p.nll.low, "y2": p.nll.high} for p in fixed if p.nll.low is not None]),
        marks.line([{"x": p.entropy, "y": p.nll.mean} for p in fixed], LIGHT["fixed"]),
        marks.points([marks.point(styles[p.method], p.entropy, p.nll.mean, _told(p)) for p in (*known, *dynamic)]),
        marks.words(names, align="right", dy=13, dx=-3, fontSize=11),
    ]
    domain = marks.padded([p.nll.mean for p in dynamic] + [y for p in fixed for y in marks.ends(p.nll)])
    return marks.chart(x, marks.channel("y", "↓ NLL of the references, nats a token", domain, ticks=5), layers, width=width, height=height)


def _distance(findings: Findings, x: Spec, width: int, height: int) -> Spec | None:
    styles = methods(findings)
    placed = [(point, point.distance) for point in findings.forced if point.distance]
    if not placed:
        return None
    layers = [
        marks.level(),
        marks.spans([datum for p, found in placed for datum in marks.upright(styles[p.method].colour, p.entropy, found)], opacity=0.55),
        marks.points([marks.point(styles[p.method], p.entropy, found.mean, _told(p)) for p, found in placed]),
    ]
    domain = marks.padded([0.0, *(y for _, found in placed for y in marks.ends(found))])
    y = marks.channel("y", "↓ distance to the fixed temperatures, nats a token", domain, ticks=5, signed=True)
    return marks.chart(x, y, layers, width=width, height=height)


def _told(point: ForcedPoint) -> str:
    told = f"{notation.named(point.method, point.policy)}: entropy {notation.fixed(point.entropy, 3)}, NLL {notation.estimate(point.nll)}"
    return told + (f", distance {notation.difference(point.distance)}" if point.distance else "")


def _table(found: Sequence[ForcedPoint]) -> Grid:
    numbers = ("distance [95%]", "NLL [95%]", "NLL, unmixed", "tempered entropy", "mean T")
    rows = tuple(
        (
            *(point.method, point.policy, notation.difference(point.distance), notation.estimate(point.nll)),
            *(notation.fixed(point.exact, 3), notation.fixed(point.entropy, 3), notation.fixed(point.temperature)),
        )
        for point in found
    )
    return Grid("Teacher-forced on references, nats a token", (METHOD, SETTING, *map(Column, numbers)), rows)
