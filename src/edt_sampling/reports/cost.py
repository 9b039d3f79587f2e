"""Costs in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.experiments.cost import Cost
from edt_sampling.reports import notation

_LEGEND = (
    "ms: milliseconds a token, prompts included. Ratios are to the first line; lines are measured by turns on the same prompts, "
    "each alone; [a-b]: 95% interval over prompts. cache: the most that keys and values took, mean over prompts."
)


def render(costs: Sequence[Cost], *, prompts: int, samples: int) -> RenderableType:
    """A line a setting."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("setting", overflow="fold")
    for head in ("ms a token", "ratio", "cache, MB", "ratio", "tokens a text"):
        table.add_column(head, justify="right", no_wrap=True)
    for cost in costs:
        ends = f" [{cost.ratio.low:.2f}-{cost.ratio.high:.2f}]" if cost is not costs[0] else ""
        table.add_row(
            Text(cost.policy),
            f"{1000 * cost.seconds:.3f}",
            f"{cost.ratio.mean:.2f}{ends}",
            notation.NONE if cost.cache is None else f"{cost.cache / 1e6:.2f}",
            notation.NONE if cost.cache_ratio is None else f"{cost.cache_ratio:.2f}",
            f"{cost.tokens:.1f}",
        )
    told = f"{prompts} prompts, {samples} texts each, filters {costs[0].filters}"
    return Group(table, Text(told, style="dim"), Text(_LEGEND, style="dim"))
