"""Tables of a sweep: every cell, the fixed temperatures, and what happens between maps."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.sweep.findings import Agreement, Cell, SweepFindings, TaskMap
from edt_sampling.reports import notation
from edt_sampling.reports.grid import SETTING, Column, Grid

_SURFACES = {"effect": "distance", "eda": "EDA", "quality": "quality", "diversity": "Self-BLEU"}


def cells(one: TaskMap) -> Grid:
    """Every cell: how it was judged, how often it is the best, then all its columns."""
    names = list(one.cells[0].values)
    judged = ("distance [95%]", "adjusted p", "p", "detectable", "off the curve")
    heads = (*map(Column, judged), Column("call", "word"), Column("best by distance"), Column("best by EDA"))
    columns = (SETTING, *heads, *(Column(notation.head(name)) for name in names))
    rows = tuple((cell.policy, *_judged(one, cell), *(notation.value(name, cell.values.get(name)) for name in names)) for cell in one.cells)
    return Grid(f"{one.name}: {len(one.cells)} cells on {one.prompts} dev prompts", columns, rows)


def fixed(one: TaskMap) -> Grid:
    """The curve's settings, and greedy."""
    names = list(dict.fromkeys(name for row in one.fixed for name in row.values))
    rows = tuple((row.policy, *(notation.value(name, row.values.get(name)) for name in names)) for row in one.fixed)
    return Grid(f"{one.name}: fixed temperatures", (SETTING, *(Column(notation.head(name)) for name in names)), rows)


def regrets(findings: SweepFindings) -> Grid:
    """What another map's best cell loses."""
    columns = (*(Column(name, "word") for name in ("on", "with the best cell of", "by")), Column("taken", "setting"))
    columns += (Column("its own best", "setting"), Column("lost [95%]"))
    metrics = {one.name: one.primary for one in findings.maps}
    rows = tuple(
        (
            *(found.on, found.of, _SURFACES[found.by], found.taken, found.own),
            notation.difference(found.lost, metrics[found.on] if found.by == "effect" else "eda") if found.lost else "not comparable",
        )
        for found in findings.regrets
    )
    return Grid("What is lost by another map's best cell", columns, rows)


def agreements(findings: SweepFindings) -> Grid:
    """Rank correlations of maps, and of each with itself."""
    columns = (Column("maps", "word"), Column("of", "word"), Column("cells"), Column("rank correlation [95%]"))
    return Grid("Rank correlation over the cells", columns, tuple(map(_agreement, findings.agreements)))


def _agreement(found: Agreement) -> tuple[str, ...]:
    maps = f"{found.one}, halves of its prompts" if found.one == found.other else f"{found.one} and {found.other}"
    return maps, _SURFACES[found.by], str(found.cells), notation.correlation(found.correlation)


def _judged(one: TaskMap, cell: Cell) -> Sequence[str]:
    return (
        notation.difference(cell.effect, one.primary),
        notation.probability(cell.adjusted),
        notation.probability(cell.p),
        notation.size(cell.detectable, one.primary),
        notation.fixed(cell.outside),
        cell.call,
        notation.percent(cell.best["effect"]),
        notation.percent(cell.best["eda"]),
    )
