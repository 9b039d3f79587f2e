"""The frame of every page: one HTML file that needs nothing else, its findings in it as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from edt_sampling.reports import notation
from edt_sampling.reports.charts.palette import DARK, LIGHT


def render(template: str, *, findings: Any, **shown: Any) -> str:
    """The page of a template over ``frame.html.j2`` with the dataclass ``findings`` and what else it shows; equal ones give equal bytes."""
    templates = Environment(
        loader=PackageLoader("edt_sampling.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    html = templates.get_template(template).render(
        findings=findings, embedded=_embedded(findings), notation=notation, light=LIGHT, dark=DARK, **shown
    )
    return html.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair, which a token may be, is no Unicode text


def _embedded(findings: Any) -> Markup:
    """All of the findings as JSON that no text in them can end early; what is no number becomes null."""
    return Markup(json.dumps(_finite(asdict(findings)), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in cast(dict[str, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in cast(Sequence[Any], value)]
    return None if isinstance(value, float) and not isfinite(value) else value
