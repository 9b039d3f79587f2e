"""The policies' scores in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.harness.rivals import Score

LEGEND = (
    "\N{PLUS-MINUS SIGN}: standard error over documents. Difference: to the first fixed temperature, document by document, with its 95% "
    "interval (bootstrap over documents). A policy may differ because it is merely colder: at equal diversity, edt compare asks."
)


def render(scores: Sequence[Score]) -> RenderableType:
    """One table: a block for each task and metric, a row for each policy; 100 columns are enough."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("policy", overflow="fold")
    for head in ("score", "\N{PLUS-MINUS SIGN}", "difference"):
        table.add_column(head, justify="right", no_wrap=True)
    for (task, metric), rows in groupby(scores, key=lambda score: (score.task, score.metric)):
        own = list(rows)
        asked = f"{own[0].documents} documents, {own[0].passes} {'text' if own[0].passes == 1 else 'texts'} each"
        table.add_row(Text.assemble((f"{task} {metric}", "bold"), f"  {asked}"))
        for row in own:
            table.add_row(Text(f" {row.policy}"), f"{row.mean:.4f}", "-" if row.error is None else f"{row.error:.4f}", _difference(row))
    return Group(table, Text(LEGEND, style="dim"))


def _difference(row: Score) -> str:
    if row.difference is None or row.low is None or row.high is None:
        return "-"
    return f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]"
