"""A figure as an SVG file of its own: colours in full on white, its legend within."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import escape

from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.palette import LIGHT, Style

_MARGIN, _LINE, _LETTER = 16, 24, 6.4
"""Pixels: around the drawing, between lines of the legend, and a letter's width in it."""
_FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')
_VARIABLE = re.compile(r"var\(--([\w-]+)\)")


def write_figures(figures: Iterable[Figure], folder: Path) -> list[Path]:
    """Writes ``NAME.svg`` for each figure, the drawing for wide pages; returns where. The folder is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for figure in figures:
        paths.append(folder / f"{figure.name}.svg")
        paths[-1].write_text(standalone(figure), encoding="utf-8")
    return paths


def standalone(figure: Figure) -> str:
    """The SVG document. It is drawn on white in the light colours, so that it reads the same on any page; its label is its description."""
    drawing = str(figure.drawings[0][1])
    found = _SIZE.search(drawing)
    if found is None:
        raise RuntimeError(f"figure {figure.name}: its drawing has no size")
    wide, tall = (float(part) for part in found.groups())
    legend, below = _legend(figure.legend, wide)
    width, height = wide + 2 * _MARGIN, tall + below + 2 * _MARGIN
    document = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="{_FONT}"><title>{escape(figure.caption)}</title><desc>{escape(figure.label)}</desc>'
        f'<rect width="100%" height="100%" fill="{LIGHT["paper"]}"/>{legend}'
        f'<g transform="translate({_MARGIN},{_MARGIN + below:g})">{drawing}</g></svg>\n'
    )
    return _VARIABLE.sub(lambda name: LIGHT[name[1]], document)


def _legend(styles: Sequence[Style], wide: float) -> tuple[str, float]:
    """The legend above the drawing, in as many lines as it takes, and how tall it is."""
    parts: list[str] = []
    x = y = 0.0
    for style in styles:
        width = 26 + _LETTER * len(style.name) + 18
        if x and x + width > wide:
            x, y = 0.0, y + _LINE
        at = f'<g transform="translate({_MARGIN + x + 8:g},{_MARGIN + y + 7:g})">'
        symbol = f'<path transform="scale(4.7)" d="{style.shape}" fill="{style.fill}" stroke="{style.colour}" stroke-width=".3"/>'
        parts.append(f'{at}{symbol}<text x="14" y="4" font-size="12" fill="{LIGHT["ink"]}">{escape(style.name)}</text></g>')
        x += width
    return "".join(parts), y + _LINE + 8 if styles else 0.0
