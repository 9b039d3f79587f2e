"""Colours and shapes: one for each method throughout the page, told apart without colour too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edt_sampling.experiments.findings import Findings, Role, Row
from edt_sampling.reports.notation import named

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "ink": "#1c1e21",
    "soft": "#5c616a",
    "line": "#c9ccd1",
    "grid": "#ebecee",
    "band": "#e0e2e6",
    "fixed": "#41464e",
    "series-1": "#c8460a",
    "series-2": "#124a9e",
    "series-3": "#15936d",
    "series-4": "#a0449f",
    "series-5": "#b38100",
    "even": "#f3f3f1",
    "over-1": "#d2e0f1",
    "over-2": "#b1cdef",
    "over-3": "#90baed",
    "over-4": "#6ea6ea",
    "under-1": "#f5dec8",
    "under-2": "#f5c89f",
    "under-3": "#f4b173",
    "under-4": "#f29a3f",
    "level-0": "#f0f5f2",
    "level-1": "#ddede6",
    "level-2": "#cbe5da",
    "level-3": "#b8ddcf",
    "level-4": "#a4d5c3",
    "level-5": "#91cdb8",
    "level-6": "#7cc5ac",
    "level-7": "#66bda1",
    "level-8": "#4db596",
}
"""Every colour that a chart may draw with. The drawn SVG names them as CSS variables, so that a page can change them all; that is why maps
have steps of colour and no gradient. Blue and orange (``over``, ``under``) stay apart for colour-blind readers, and ``level`` for all."""

DARK: Mapping[str, str] = {
    "paper": "#131518",
    "ink": "#e9e7e2",
    "soft": "#a3a8b1",
    "line": "#454a53",
    "grid": "#25282e",
    "band": "#30343b",
    "fixed": "#c9cdd4",
    "series-1": "#f57f45",
    "series-2": "#5a9ff0",
    "series-3": "#4fd6ae",
    "series-4": "#dc8fd6",
    "series-5": "#f0d060",
    "even": "#2b2e33",
    "over-1": "#2c3b50",
    "over-2": "#2c476e",
    "over-3": "#2a548d",
    "over-4": "#2660ad",
    "under-1": "#473831",
    "under-2": "#62412c",
    "under-3": "#7f4a21",
    "under-4": "#9c5208",
    "level-0": "#22282a",
    "level-1": "#233030",
    "level-2": "#243936",
    "level-3": "#24423b",
    "level-4": "#244b41",
    "level-5": "#225447",
    "level-6": "#1f5d4e",
    "level-7": "#1b6654",
    "level-8": "#14705a",
}

CIRCLE = "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0Z"
SQUARE = "M-0.9,-0.9H0.9V0.9H-0.9Z"
UP = "M0,-1.15L1.1,0.85L-1.1,0.85Z"
DOWN = "M0,1.15L1.1,-0.85L-1.1,-0.85Z"
DIAMOND = "M0,-1.25L1.15,0L0,1.25L-1.15,0Z"
PLUS = "M-0.38,-1.1H0.38V-0.38H1.1V0.38H0.38V1.1H-0.38V0.38H-1.1V-0.38H-0.38Z"
CROSS = "M-1.05,-0.55L-0.55,-1.05L0,-0.5L0.55,-1.05L1.05,-0.55L0.5,0L1.05,0.55L0.55,1.05L0,0.5L-0.55,1.05L-1.05,0.55L-0.5,0Z"

_COLOURS = tuple(LIGHT[name] for name in LIGHT if name.startswith("series-"))
_SHAPES = (CIRCLE, SQUARE, UP, DIAMOND, PLUS, DOWN)


@dataclass(frozen=True)
class Style:
    """How a setting is drawn, and what the legend says of it. ``shape``: an SVG path within -1 to 1."""

    name: str
    colour: str
    shape: str
    size: int = 90
    hollow: bool = False

    @property
    def fill(self) -> str:
        """The colour within its outline."""
        return LIGHT["paper"] if self.hollow else self.colour

    @property
    def ink(self) -> str:
        """The colour's name as a CSS variable."""
        return variable(self.colour)


def variable(colour: str) -> str:
    """The CSS variable of a light colour."""
    return next(f"var(--{name})" for name, light in LIGHT.items() if light == colour)


def methods(findings: Findings) -> Mapping[str, Style]:
    """Each method's style: the subject's first, then those of the other methods with candidates; any other method is grey."""
    others = (row.method for row in findings.rows if row.role in ("candidate", "chosen"))
    dynamic = dict.fromkeys((findings.subject, *others))
    return _Grey({name: numbered(i, name) for i, name in enumerate(dynamic)})


def numbered(number: int, name: str) -> Style:
    """The style of the thing with this number, counted from 0: a colour and a shape that no other of the first thirty share."""
    return Style(name, _COLOURS[number % len(_COLOURS)], _SHAPES[number % len(_SHAPES)])


def style(row: Row, findings: Findings) -> Style:
    """A row's style by its role: its method's, or an ablation's hollow one."""
    styles, grey, name = methods(findings), LIGHT["fixed"], named(row.method, row.policy)
    by_role: dict[Role, Style] = {
        "greedy": Style("greedy, no candidate", grey, CROSS, 70),
        "fixed": Style("fixed temperatures", grey, CIRCLE, 46),
        "baseline": Style(f"{name}, best EDA on dev", grey, CIRCLE, 150, hollow=True),
        "tuned": replace(styles[row.method], name=f"{name}, best EDA on dev", size=46, hollow=True),
        "matched entropy": Style(name, grey, DOWN, hollow=True),
        "matched temperature": Style(name, grey, DIAMOND, hollow=True),
        "shuffled": replace(styles[findings.subject], name=name, shape=PLUS, hollow=True),
    }
    return by_role.get(row.role, replace(styles[row.method], name=name))


class _Grey(dict[str, Style]):
    def __missing__(self, method: str) -> Style:
        return Style(method, LIGHT["fixed"], CIRCLE, 46)
