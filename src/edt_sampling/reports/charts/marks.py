"""Layers of a chart. Their data have the fields ``x``, ``y``, ``x2``, ``y2``; layers of one chart share its scales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10
from typing import Any

from edt_sampling.experiments.findings import Estimate
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.palette import LIGHT, Style

Datum = dict[str, Any]
PIXELS: Spec = {"field": "y", "type": "quantitative", "scale": None, "axis": None}
"""A vertical channel whose data are pixels from the top."""


def chart(x: Spec, y: Spec, layers: Sequence[Spec | None], *, width: int, height: int) -> Spec:
    """The layers over each other; None is left out."""
    return {"width": width, "height": height, "encoding": {"x": x, "y": y}, "layer": [layer for layer in layers if layer]}


def channel(field: str, title: str, domain: tuple[float, float], *, ticks: int, signed: bool = False, axis: Spec | None = None) -> Spec:
    """A linear scale over the domain with about so many ticks, written with as many digits as they need and without a leading zero."""
    digits = max(0, -floor(log10((domain[1] - domain[0]) / ticks * 2**0.5)))  # ticks stand at the 1, 2 or 5 nearest to even steps
    told = f"replace(format(datum.value, '{'+' if signed else ''}.{digits}f'), '0.', '.')"
    drawn = {
        "title": title,
        "tickCount": ticks,
        "labelExpr": f"datum.value ? {told} : '0'",
        **(_UPRIGHT if field == "y" else {"titleAnchor": "start" if title.startswith("←") else "end"}),
        **(axis or {}),
    }
    return {"field": field, "type": "quantitative", "scale": {"domain": list(domain), "nice": False, "zero": False}, "axis": drawn}


_UPRIGHT: Spec = {
    "titleAngle": 0,
    "titleAnchor": "start",
    "titleAlign": "left",
    "titleBaseline": "bottom",
    "titleX": -40,
    "titleY": -14,
    "minExtent": 40,
}


def points(data: Sequence[Datum]) -> Spec:
    """A symbol for each datum, in its style, that says what it is told."""
    raw = {name: {"field": name, "type": "nominal", "scale": None} for name in ("shape", "fill", "stroke")}
    size = {"field": "size", "type": "quantitative", "scale": None}
    mark = {"type": "point", "opacity": 1, "strokeWidth": 1.5}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": {**raw, "size": size, "description": {"field": "told"}}}


def point(style: Style, x: float, y: float, told: str) -> Datum:
    """A datum of ``points``."""
    return {"x": x, "y": y, "shape": style.shape, "fill": style.fill, "stroke": style.colour, "size": style.size, "told": told}


def spans(data: Sequence[Datum], *, width: float = 1.25, opacity: float = 1.0) -> Spec | None:
    """Straight lines from ``x``, ``y`` to ``x2`` or ``y2``, in the datum's colour."""
    if not data:
        return None
    ends = {name: {"field": name} for name in ("x2", "y2") if name in data[0]}
    mark = {"type": "rule", "strokeWidth": width, "opacity": opacity, "aria": False}
    colour = {"field": "stroke", "type": "nominal", "scale": None}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": {**ends, "stroke": colour}}


def across(colour: str, found: Estimate, y: float) -> list[Datum]:
    """The interval of an abscissa, for ``spans``; none if it has no ends."""
    return [] if found.low is None else [{"x": found.low, "x2": found.high, "y": y, "stroke": colour}]


def upright(colour: str, x: float, found: Estimate) -> list[Datum]:
    """The interval of an ordinate, for ``spans``; none if it has no ends."""
    return [] if found.low is None else [{"x": x, "y": found.low, "y2": found.high, "stroke": colour}]


def line(data: Sequence[Datum], colour: str, *, width: float = 1.75, interpolate: str = "linear", told: str | None = None) -> Spec:
    """A line through the data in their order; a datum whose ``y`` is None parts it."""
    mark: Spec = {"type": "line", "color": colour, "strokeWidth": width, "interpolate": interpolate, "invalid": "break-paths-show-domains"}
    mark |= {"aria": False} if told is None else {"description": told}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": {"order": {"value": 0}}}


def band(
    data: Sequence[Datum], colour: str = LIGHT["band"], *, interpolate: str = "linear", opacity: float = 1.0, told: str | None = None
) -> Spec | None:
    """The area from ``y`` to ``y2``."""
    if not data:
        return None
    mark: Spec = {"type": "area", "color": colour, "interpolate": interpolate, "opacity": opacity}
    mark |= {"aria": False} if told is None else {"description": told}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": {"y2": {"field": "y2"}}}


def words(data: Sequence[Datum], *, x: float | None = None, y: float | None = None, **mark: Any) -> Spec | None:
    """The datum's ``text`` at its place, or at ``x`` pixels from the left, ``y`` from the top."""
    if not data:
        return None
    place = {name: {"value": pixels} for name, pixels in (("x", x), ("y", y)) if pixels is not None}
    mark = {"type": "text", "baseline": "middle", "aria": False, **mark}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": {**place, "text": {"field": "text", "type": "nominal"}}}


def level(y: float = 0.0, *, dash: Sequence[int] = ()) -> Spec:
    """A line from edge to edge."""
    mark = {"type": "rule", "color": LIGHT["line"], "strokeDash": list(dash), "aria": False}
    return {"data": {"values": [{"y": y}]}, "mark": mark, "encoding": {"x": {"value": 0}, "x2": {"value": "width"}}}


def nought() -> Spec:
    """A line from top to bottom at 0."""
    mark = {"type": "rule", "color": LIGHT["soft"], "aria": False}
    return {"data": {"values": [{"x": 0}]}, "mark": mark, "encoding": {"y": {"value": 0}, "y2": {"value": "height"}}}


def padded(values: Iterable[float], share: float = 0.05) -> tuple[float, float]:
    """The range of the values, a share wider at either end."""
    found = list(values)
    low, high = min(found), max(found)
    room = (high - low) * share or 0.01
    return low - room, high + room


def ends(found: Estimate) -> list[float]:
    """The mean and the ends of its interval, if it has one."""
    return [value for value in (found.mean, found.low, found.high) if value is not None]


def dodged(places: Sequence[float], gap: float) -> list[float]:
    """The places, each moved as little as keeps them a gap apart."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    groups: list[list[int]] = []
    for i in order:
        groups.append([i])
        while len(groups) > 1 and _top(groups[-1], places, gap) - _bottom(groups[-2], places, gap) < gap:
            groups[-2:] = [groups[-2] + groups[-1]]
    found = dict[int, float]()
    for group in groups:
        found |= {i: _top(group, places, gap) + n * gap for n, i in enumerate(group)}
    return [found[i] for i in range(len(places))]


def _top(group: Sequence[int], places: Sequence[float], gap: float) -> float:
    return sum(places[i] for i in group) / len(group) - gap * (len(group) - 1) / 2


def _bottom(group: Sequence[int], places: Sequence[float], gap: float) -> float:
    return _top(group, places, gap) + gap * (len(group) - 1)
