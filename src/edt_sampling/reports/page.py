"""A comparison as one HTML page that needs nothing else: no network, and no JavaScript but to read tokens by keyboard."""

from __future__ import annotations

import json
from typing import Any

from edt_sampling.experiments.findings import Findings
from edt_sampling.experiments.observed import observed
from edt_sampling.reports import examples, settings
from edt_sampling.reports.ablations import questions
from edt_sampling.reports.charts.acting import acting
from edt_sampling.reports.charts.best_of import best_of, best_of_table
from edt_sampling.reports.charts.figure import Figure
from edt_sampling.reports.charts.forced import forced
from edt_sampling.reports.charts.forest import ablations, effects, paired
from edt_sampling.reports.charts.quality import quality
from edt_sampling.reports.charts.shares import entropies, lengths, temperatures
from edt_sampling.reports.differences import effects_grid, paired_grid
from edt_sampling.reports.frame import render
from edt_sampling.store import flat


def page(findings: Findings) -> str:
    """The whole page; equal findings give equal bytes."""
    return render("compare.html.j2", findings=findings, **_figures(findings), **_tables(findings), **_told(findings))


def figures(findings: Findings) -> list[Figure]:
    """The page's charts, without those that have nothing to draw."""
    return [figure for figure in _figures(findings)["figures"].values() if figure]


def _figures(findings: Findings) -> dict[str, dict[str, Figure | None]]:
    """The charts, None where there is nothing to draw."""
    charts = (quality, effects, paired, ablations, forced, acting, best_of, entropies, temperatures, lengths)
    return {"figures": {chart.__name__: chart(findings) for chart in charts}}


def _tables(findings: Findings) -> dict[str, Any]:
    """Tables that are no chart's, or stand in for a chart that has nothing to draw."""
    return {
        "tables": {
            "effects": effects_grid(findings),
            "paired": paired_grid(findings.paired),
            "ablations": paired_grid(findings.ablations),
            "best_of": best_of_table(findings),
            "realised": settings.realised(findings),
            "on_test": settings.on_test(findings),
            "on_dev": settings.on_dev(findings),
        }
    }


def _told(findings: Findings) -> dict[str, Any]:
    """The examples, what each ablation asks, whether the engine saw distributions, and how the run was made."""
    return {
        "examples": examples.examples(findings),
        "hottest": examples.hottest(findings),
        "steps": examples.STEPS,
        "questions": questions(findings),
        "observed": observed(findings.environments),
        "environments": [flat(environment) for environment in findings.environments],
        "recipe": json.dumps(findings.recipe, indent=2, ensure_ascii=False, default=str),
    }
