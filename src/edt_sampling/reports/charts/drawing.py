"""From a Vega-Lite spec to SVG that stands within a page."""

from __future__ import annotations

import re
from typing import Any

import vl_convert
from markupsafe import Markup

from edt_sampling.reports.charts.palette import LIGHT, variable

Spec = dict[str, Any]

_FONT = "Liberation Sans"  # comes with vl-convert, so that layouts do not depend on installed fonts; as wide as Arial and Helvetica
_AXIS: Spec = {
    "domain": False,
    "ticks": False,
    "gridColor": LIGHT["grid"],
    "labelColor": LIGHT["soft"],
    "titleColor": LIGHT["soft"],
    "labelPadding": 8,
    "titlePadding": 12,
    "titleFontWeight": "normal",
    "labelFontSize": 12,
    "titleFontSize": 12,
    "labelFlush": False,
    "aria": False,
}
_CONFIG: Spec = {
    "font": _FONT,
    "background": None,
    "padding": 4,
    "axis": _AXIS,
    "view": {"stroke": None},
    "text": {"font": _FONT, "fontSize": 12, "color": LIGHT["soft"]},
}
_TOLD = re.compile(
    r'<(path|line|text) aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*?)(?:/>|>([^<]*)</\1>)'
)
_IDLE = re.compile(r' (?:role|class|pointer-events|aria-[a-z]+|xmlns(?::xlink)?|version|font-family)="[^"]*"| (?:opacity|stroke-width)="1"')
_UNSEEN = re.compile(r"<(?:path|rect) [^>]*?(?:display=\"none\"|d=\"\"|d=\"M0,0h0v0h0Z\")[^>]*?/>")


def draw(spec: Spec) -> Markup:
    """The chart as an ``<svg>`` element: what marks say is their ``<title>``, and colours are CSS variables."""
    svg = vl_convert.vegalite_to_svg({"config": _CONFIG, **spec}, vl_version="6.4")
    svg = _TOLD.sub(r"<\1\3><title>\2</title>\4</\1>", svg)
    svg = _UNSEEN.sub("", _IDLE.sub("", svg))
    for colour in LIGHT.values():
        svg = svg.replace(f'"{colour}"', f'"{variable(colour)}"')
    return Markup(svg)
