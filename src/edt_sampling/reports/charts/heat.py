"""Maps over two parameters: a coloured cell with its number for each pair of them, panels side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Frame
from edt_sampling.reports.charts.palette import DIAMOND, LIGHT, Style
from edt_sampling.reports.charts.scales import Scale

_LEFT, _TOP, _BELOW, _GAP = 46, 30, 82, 34
"""Room for the rows' names, for a panel's title, for the columns' names with the scale, and between panels."""
_ACROSS: Spec = {"field": "x", "type": "quantitative", "scale": None, "axis": None}
_HATCH = 9
_BEST = Style("the best cell", LIGHT["ink"], DIAMOND, 20)


@dataclass(frozen=True)
class Tile:
    """One cell: None for no number. ``told`` is what it says when pointed at."""

    value: float | None
    text: str
    told: str
    marked: bool = False
    """Whether it differs from 0 after correction."""
    best: bool = False


@dataclass(frozen=True)
class Panel:
    """``tiles[row][column]``, rows from the bottom; ``ends`` are the scale's ends as readers see them, ``axes`` the names of rows and of
    columns. A cell without a number is hatched: not comparable."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    tiles: Sequence[Sequence[Tile]]
    scale: Scale
    ends: tuple[str, str]
    axes: tuple[str, str] = ("T0", "theta")


@dataclass(frozen=True)
class _Place:
    """Where a panel lies, in pixels, and how large its cells are."""

    left: float
    top: float
    wide: float
    tall: float
    size: float


def heat(panels: Sequence[Panel], frame: Frame) -> Spec:
    """The panels, two in a row on wide pages and under each other on narrow ones; one alone is drawn larger."""
    across = 1 if frame.narrow else min(2, len(panels))
    room = (frame.width - 8 - _GAP * (across - 1)) / across
    places: list[_Place] = []
    top = 0.0
    for start in range(0, len(panels), across):
        row = panels[start : start + across]
        places += [_place(panel, room, number * (room + _GAP), top, frame) for number, panel in enumerate(row)]
        top = max(p.top + p.tall * len(panel.rows) for p, panel in zip(places[-len(row) :], row, strict=True)) + _BELOW
    layers = [layer for panel, at in zip(panels, places, strict=True) for layer in _layers(panel, at)]
    return marks.chart(_ACROSS, marks.PIXELS, layers, width=frame.width - 8, height=round(top))


def _place(panel: Panel, room: float, left: float, top: float, frame: Frame) -> _Place:
    wide = min(96.0, (room - _LEFT) / len(panel.columns))
    longest = max((len(tile.text) for row in panel.tiles for tile in row), default=1)
    return _Place(left + _LEFT, top + _TOP, wide, 34.0 if frame.narrow else 42.0, min(13.0, 1.7 * (wide - 6) / max(longest, 4)))


def _layers(panel: Panel, at: _Place) -> Iterator[Spec | None]:
    boxes = [(tile, _box(at, len(panel.rows), i, j)) for i, row in enumerate(panel.tiles) for j, tile in enumerate(row)]
    known = [(tile, box, tile.value) for tile, box in boxes if tile.value is not None]
    yield _rects([{**box, "fill": panel.scale.colour(value), "told": tile.told} for tile, box, value in known])
    yield marks.spans([line for tile, box in boxes if tile.value is None for line in _hatched(box)], width=1)
    yield _outlined([_inner(box) for tile, box in boxes if tile.marked])
    yield marks.words([_middle(box) | {"text": tile.text} for tile, box, _ in known], fontSize=at.size, color=LIGHT["ink"])
    dots = [marks.point(_BEST, box["x2"] - 6, box["y"] + 6, f"{tile.told}, the best cell") for tile, box in boxes if tile.best]
    yield marks.points(dots) if dots else None
    yield from _named(panel, at)
    yield from _scale(panel, at) if known else ()
    yield from _key(panel, at, any(tile.marked for tile, _ in boxes), len(known) < len(boxes), bool(dots))


def _box(at: _Place, rows: int, row: int, column: int) -> marks.Datum:
    x, y = at.left + column * at.wide, at.top + (rows - 1 - row) * at.tall
    return {"x": x + 1, "x2": x + at.wide - 1, "y": y + 1, "y2": y + at.tall - 1}


def _inner(box: marks.Datum) -> marks.Datum:
    return {"x": box["x"] + 1, "x2": box["x2"] - 1, "y": box["y"] + 1, "y2": box["y2"] - 1}


def _middle(box: marks.Datum) -> marks.Datum:
    return {"x": (box["x"] + box["x2"]) / 2, "y": (box["y"] + box["y2"]) / 2}


def _rects(data: Sequence[marks.Datum]) -> Spec | None:
    if not data:
        return None
    fill = {"field": "fill", "type": "nominal", "scale": None}
    told = {"description": {"field": "told"}} if "told" in data[0] else {}
    mark: Spec = {"type": "rect", "opacity": 1, "aria": bool(told)}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": {**_ENDS, "fill": fill, **told}}


def _outlined(data: Sequence[marks.Datum]) -> Spec | None:
    if not data:
        return None
    mark = {"type": "rect", "filled": False, "stroke": LIGHT["ink"], "strokeWidth": 2, "aria": False}
    return {"data": {"values": list(data)}, "mark": mark, "encoding": dict(_ENDS)}


_ENDS: Spec = {"x2": {"field": "x2"}, "y2": {"field": "y2"}}


def _hatched(box: marks.Datum) -> Iterator[marks.Datum]:
    """Lines at 45 degrees within the box."""
    wide, tall = box["x2"] - box["x"], box["y2"] - box["y"]
    step = _HATCH
    while step < wide + tall:
        across, down = min(step, wide), max(0.0, step - wide)
        back, below = max(0.0, step - tall), min(step, tall)
        yield {"x": box["x"] + across, "y": box["y"] + down, "x2": box["x"] + back, "y2": box["y"] + below, "stroke": LIGHT["line"]}
        step += _HATCH


def _named(panel: Panel, at: _Place) -> Iterator[Spec | None]:
    """The title, and the names of rows and columns: the axes' own names stand beside the first of each."""
    top, foot = len(panel.rows) - 1, at.top + at.tall * len(panel.rows) + 14
    rows = [f"{panel.axes[0]} {name}" if i == top else name for i, name in enumerate(panel.rows)]
    sides = [{"y": at.top + at.tall * (top - i + 0.5), "text": name} for i, name in enumerate(rows)]
    below = [{"x": at.left + at.wide * (j + 0.5), "text": name} for j, name in enumerate(panel.columns)]
    yield marks.words([{"text": panel.title}], x=at.left - _LEFT, y=at.top - 17, align="left", fontWeight="bold", color=LIGHT["ink"])
    yield marks.words(sides, x=at.left - 8, align="right")
    yield marks.words([{"text": panel.axes[1]}], x=at.left - 8, y=foot, align="right")
    yield marks.words(below, y=foot)


def _scale(panel: Panel, at: _Place) -> Iterator[Spec | None]:
    """The steps of colour with the scale's ends."""
    y, steps, side = at.top + at.tall * len(panel.rows) + 30, panel.scale.steps, 12
    low, high = panel.ends
    start = at.left + 7 * len(low) + 4
    yield marks.words([{"text": low}], x=at.left, y=y + 6, align="left", fontSize=11)
    yield _rects([{"x": start + i * side, "x2": start + (i + 1) * side, "y": y, "y2": y + side, "fill": c} for i, c in enumerate(steps)])
    yield marks.words([{"text": high}], x=start + side * len(steps) + 6, y=y + 6, align="left", fontSize=11)


def _key(panel: Panel, at: _Place, marked: bool, empty: bool, best: bool) -> Iterator[Spec | None]:
    """What an outline, a hatched cell and the diamond mean."""
    x, y = at.left, at.top + at.tall * len(panel.rows) + 52
    if marked:
        yield _outlined([{"x": x + 1, "x2": x + 13, "y": y, "y2": y + 12}])
        yield marks.words([{"text": "differs"}], x=x + 19, y=y + 6, align="left", fontSize=11)
        x += 68
    if empty:
        yield marks.spans(list(_hatched({"x": x, "x2": x + 14, "y": y, "y2": y + 12})), width=1)
        yield marks.words([{"text": "not comparable"}], x=x + 20, y=y + 6, align="left", fontSize=11)
        x += 112
    if best:
        yield marks.points([marks.point(_BEST, x + 6, y + 6, "the best cell")])
        yield marks.words([{"text": "best"}], x=x + 16, y=y + 6, align="left", fontSize=11)
