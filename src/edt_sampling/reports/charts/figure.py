"""A chart of the page with all that stands around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from edt_sampling.reports.charts.drawing import Spec, draw
from edt_sampling.reports.charts.palette import Style
from edt_sampling.reports.grid import Grid


class Frame(NamedTuple):
    """The width that a chart is drawn for, in pixels."""

    width: int
    narrow: bool


WIDE, NARROW = Frame(944, False), Frame(346, True)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """``label`` says in a sentence what one sees; ``drawings`` are for wide and for narrow pages, or one for both."""

    name: str
    caption: str
    label: str
    drawings: tuple[tuple[str, Markup], ...]
    tables: tuple[Grid, ...]
    legend: tuple[Style, ...] = ()
    open: bool = False
    """Whether its numbers are shown without being asked for."""


def figure(
    name: str,
    spec: Callable[[Frame], Spec],
    *,
    caption: str,
    label: str,
    tables: Sequence[Grid],
    legend: Sequence[Style] = (),
    open: bool = False,
) -> Figure:
    """The chart of this spec, drawn wide and narrow."""
    return Figure(
        name=name,
        caption=caption,
        label=label,
        drawings=(("wide", draw(spec(WIDE))), ("narrow", draw(spec(NARROW)))),
        tables=tuple(tables),
        legend=tuple(dict.fromkeys(legend)),
        open=open,
    )
