"""A diagnosis as one HTML page: how well each measure ranks, calibration, where the policies act, and what failed."""

from __future__ import annotations

import json

from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings
from edt_sampling.reports import diagnose_grids
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.levels import levels
from edt_sampling.reports.charts.policies import policies
from edt_sampling.reports.charts.ranks import ranks
from edt_sampling.reports.charts.reliability import reliability
from edt_sampling.reports.frame import render
from edt_sampling.store import flat


def page(findings: DiagnosisFindings) -> str:
    """The whole page; equal findings give equal bytes."""
    return render(
        "diagnose.html.j2",
        findings=findings,
        figures={figure.name: figure for figure in figures(findings)},
        acting=diagnose_grids.acting_grid(findings),
        policies=diagnose_grids.policies_grid(findings),
        failures=diagnose_grids.failures_grid(findings),
        environments=[flat(environment) for environment in findings.environments],
        recipe=json.dumps(findings.recipe, indent=2, ensure_ascii=False, default=str),
    )


def figures(findings: DiagnosisFindings) -> list[Figure]:
    """The page's charts."""
    return [*ranks(findings), levels(findings), reliability(findings), policies(findings)]
