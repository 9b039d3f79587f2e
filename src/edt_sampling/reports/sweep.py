"""A sweep as one HTML page: its maps, what they rest on, and every number."""

from __future__ import annotations

import json
from typing import Any

from edt_sampling.experiments.sweep.findings import SweepFindings, TaskMap
from edt_sampling.reports import sweep_grids
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.maps import best, cold, distance, diversity, eda, quality, temperature
from edt_sampling.reports.charts.plane import planes
from edt_sampling.reports.frame import render
from edt_sampling.store import flat


def page(findings: SweepFindings) -> str:
    """The whole page; equal findings give equal bytes."""
    return render(
        "sweep.html.j2",
        findings=findings,
        figures={figure.name: figure for figure in figures(findings)},
        cells=[sweep_grids.cells(one) for one in findings.maps],
        fixed=[sweep_grids.fixed(one) for one in findings.maps],
        regrets=sweep_grids.regrets(findings),
        agreements=sweep_grids.agreements(findings),
        made=[(one, _made(one)) for one in findings.maps],
        verdict=_verdict(findings),
    )


def figures(findings: SweepFindings) -> list[Figure]:
    """The page's charts."""
    maps = (distance, quality, diversity, eda, temperature, cold, best)
    return [chart(findings) for chart in maps] + planes(findings)


def _verdict(findings: SweepFindings) -> str:
    """The headline in three words."""
    if not any(one.comparable for one in findings.maps):
        return "Nothing to compare"
    different = sum(len(one.different) for one in findings.maps)
    if not different:
        return "Nothing stands out"
    return f"{different} cell{'s stand' if different > 1 else ' stands'} out"


def _made(one: TaskMap) -> dict[str, Any]:
    """How a map's run was made."""
    return {
        "environments": [flat(environment) for environment in one.environments],
        "recipe": json.dumps(one.recipe, indent=2, ensure_ascii=False, default=str),
    }
