"""A diagnosis in the terminal: the verdict, how well each measure ranks, the policies, and what failed; and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings, Outcome
from edt_sampling.reports import notation
from edt_sampling.reports.diagnose_grids import acting_grid, measure_name, policies_grid
from edt_sampling.reports.grid import Grid
from edt_sampling.store import flat

_LEGEND = (
    "[a, b]: 95% interval over prompts. AUROC, Spearman: more is better, .5 and 0 are chance. p: of the difference to entropy, Holm over "
    "all. cooled: share of the references' steps with T below 0.9 of the hottest."
)


def render(findings: DiagnosisFindings) -> RenderableType:
    """The verdict above the tables, and what they must not be read without; 100 columns are enough."""
    head, told = Text(findings.headline, style="bold"), [Text(line) for line in findings.sentences]
    detected = [line for failure in findings.failures if failure.found for line in _failure(failure.name, failure.where, failure)]
    parts = [
        _ranks(findings.outcomes),
        Text(),
        _grid(policies_grid(findings), (0, 2, 3, 4, 5, 8)),
        Text(),
        _grid(acting_grid(findings), (0, 1, 2, 3, 4)),
    ]
    below = [Text(line, style="dim") for line in [_LEGEND, "", *signature(findings)]]
    return Group(head, *told, *detected, Text(), *parts, Text(), *below)


def signature(findings: DiagnosisFindings) -> list[str]:
    """Lines that say what was run and how it was scored."""
    return [
        *findings.notes,
        f"run: {findings.content[:8]}, {findings.prompts} dev prompts, {findings.steps:,} steps of references, K = {findings.samples}, "
        f"filters in order: {findings.recipe['filters']}",
        *(f"engine: {', '.join(f'{name} {value}' for name, value in flat(environment))}" for environment in findings.environments),
        *findings.signatures.values(),
    ]


def as_json(findings: DiagnosisFindings) -> dict[str, Any]:
    """The findings as plain values; what is no number becomes null."""
    found: dict[str, Any] = _plain(asdict(findings))
    for outcome, told in zip(found["outcomes"], findings.outcomes, strict=True):
        outcome["name"] = told.name
    return found


def _failure(name: str, where: str, failure: Any) -> list[Text]:
    return [Text.assemble((f"{name} ({where}): ", "bold"), f"{failure.evidence}. {failure.advice}")]


def _ranks(outcomes: Sequence[Outcome]) -> Table:
    """A row a measure under its outcome."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("how well it ranks", overflow="fold")
    for head in ("value", "less entropy's", "p (Holm)"):
        table.add_column(head, justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(
            Text.assemble((outcome.name, "bold"), f" {outcome.statistic}, {outcome.items:,} {outcome.unit} of {outcome.prompts} prompts")
        )
        for r in outcome.rankings:
            cells = (notation.estimate(r.found), notation.difference(r.difference), notation.probability(r.adjusted))
            table.add_row(Text(f" {measure_name(r.measure)}"), *(Text(cell) for cell in cells))
    return table


def _grid(grid: Grid, columns: Sequence[int]) -> Table:
    """Some columns of a page's table."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    for i in columns:
        first = grid.columns[i].kind != "number"
        table.add_column(grid.columns[i].name, justify="left" if first else "right", no_wrap=not first, overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(row[i]) for i in columns))
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownArgumentType]
    return None if isinstance(value, float) and not isfinite(value) else value
