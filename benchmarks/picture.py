"""The page's picture: what a draw takes, by batch, for each of the contenders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import told
from benchmarks.record import Case, Record
from benchmarks.shapes import LLAMA, NOISE
from benchmarks.table import digits, where
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Frame, figure
from edt_sampling.reports.charts.palette import CIRCLE, DIAMOND, LIGHT, SQUARE, UP, Style
from edt_sampling.reports.charts.standalone import write_figures

STYLES: Mapping[str, Style] = {
    "today": Style("transformers: temperature, softmax, multinomial", LIGHT["fixed"], SQUARE),
    "Fixed": Style("ours, fixed temperature", LIGHT["series-2"], CIRCLE, hollow=True, size=150),
    "EDT": Style("ours, EDT", LIGHT["series-1"], DIAMOND),
    "floor": Style("two passes of exponentials", LIGHT["series-3"], UP, hollow=True),
}


def write_picture(record: Record, folder: Path) -> list[Path]:
    """Writes ``draw.svg`` into the folder, and returns where."""
    cases = [case for case in where(record.cases, words=LLAMA, numbers="float32", logits=NOISE) if case.labels["filters"] in SHOWN]
    picture = figure(
        "draw",
        lambda frame: _spec(cases, frame),
        caption=f"Milliseconds for a draw over {LLAMA:,} words, float32; {told(record.machine)}.",
        label=f"Points on a logarithmic scale of milliseconds, a line for each of {len(cases)} batches: {', '.join(map(_told, cases))}.",
        tables=[],
        legend=list(STYLES.values()),
    )
    return write_figures([picture], folder)


SHOWN = {"none": "", "top-p": ", top-p 0.95"}
"""The filters of the picture, as it names them."""


def _batch(case: Case) -> str:
    rows = case.labels["rows"]
    return f"{rows} row{'s' if rows > 1 else ''}{SHOWN[case.labels['filters']]}"


def _told(case: Case) -> str:
    return f"{_batch(case)}: {', '.join(f'{name} {digits(1000 * case.seconds(name).median)} ms' for name in STYLES)}"


def _spec(cases: Sequence[Case], frame: Frame) -> Spec:
    """A line a batch, from the quickest to the slowest, and a point a contender."""
    order = [_batch(case) for case in cases]
    low, high = _domain(cases)
    ticks = _ticks(low, high, (1,) if frame.narrow else (1, 2, 5))
    x = {
        "field": "ms",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [low, high], "nice": False},
        "axis": {"title": "milliseconds a draw, logarithmic →", "titleAnchor": "end", "values": ticks, "labelExpr": _PLAIN},
    }
    y = {"field": "batch", "type": "nominal", "sort": order, "axis": {"title": None, "labelLimit": 200, "grid": True}}
    return {
        "width": frame.width - (190 if frame.narrow else 260),
        "height": 38 * len(cases),
        "encoding": {"y": y},
        "layer": [_lines(cases), _points(cases, x), _times(cases)],
    }


def _domain(cases: Sequence[Case]) -> tuple[float, float]:
    """The times that there are, with some room."""
    found = [ms for case in cases for ms in _milliseconds(case).values()]
    return 0.8 * min(found), 1.25 * max(found)


def _ticks(low: float, high: float, steps: Sequence[int]) -> list[float]:
    """These steps of every power of ten within the domain."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for decade in decades for step in steps if low <= (tick := float(f"{step}e{decade}")) <= high]


def _times(cases: Sequence[Case]) -> Spec:
    """Beside each line's right end, how many times as long today's path takes as EDT; nothing where the machine was busy."""
    found = [(case, case.ratio("today", "EDT")) for case in cases]
    data = [
        {"batch": _batch(case), "ms": max(_milliseconds(case).values()), "text": f"{digits(ratio.median, 2)} times EDT"}
        for case, ratio in found
        if ratio
    ]
    mark = {"type": "text", "align": "left", "baseline": "middle", "dx": 12, "color": LIGHT["soft"], "aria": False}
    x = {"field": "ms", "type": "quantitative"}
    return {"data": {"values": data}, "mark": mark, "encoding": {"x": x, "text": {"field": "text", "type": "nominal"}}}


_PLAIN = "datum.value >= 1 ? format(datum.value, ',.0f') : format(datum.value, '~g')"


def _lines(cases: Sequence[Case]) -> Spec:
    ends = [{"batch": _batch(case), "ms": min(found := _milliseconds(case).values()), "most": max(found)} for case in cases]
    mark = {"type": "rule", "color": LIGHT["line"], "strokeWidth": 1.25, "aria": False}
    return {
        "data": {"values": ends},
        "mark": mark,
        "encoding": {"x": {"field": "ms", "type": "quantitative"}, "x2": {"field": "most"}},
    }


def _points(cases: Sequence[Case], x: Spec) -> Spec:
    data = [_point(case, name, ms) for case in cases for name, ms in _milliseconds(case).items()]
    raw = {name: {"field": name, "type": "nominal", "scale": None} for name in ("shape", "fill", "stroke")}
    size = {"field": "size", "type": "quantitative", "scale": None}
    mark = {"type": "point", "opacity": 1, "strokeWidth": 1.5}
    return {"data": {"values": data}, "mark": mark, "encoding": {"x": x, **raw, "size": size, "description": {"field": "told"}}}


def _milliseconds(case: Case) -> dict[str, float]:
    return {name: 1000 * case.seconds(name).median for name in STYLES}


def _point(case: Case, name: str, ms: float) -> dict[str, Any]:
    style = STYLES[name]
    told = f"{_batch(case)}, {style.name}: {digits(ms)} ms"
    return {
        "batch": _batch(case), "ms": ms, "shape": style.shape, "fill": style.fill, "stroke": style.colour, "size": style.size, "told": told,
    }  # fmt: skip
