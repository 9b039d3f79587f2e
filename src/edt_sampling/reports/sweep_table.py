"""A sweep in the terminal: the verdict, and a grid of T0 by theta for each map and number."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.experiments.measures import label
from edt_sampling.experiments.sweep.findings import Cell, SweepFindings, TaskMap
from edt_sampling.reports import notation
from edt_sampling.store import flat

_LEGEND = "At equal diversity: distance to the fixed temperatures. *: differs (Holm over the map), !: the best cell, -: not comparable."
_COLUMNS = ("eda", "temperature", "cold")


def render(findings: SweepFindings) -> RenderableType:
    """The verdict above the maps; 100 columns are enough for a grid of eight thetas."""
    told = [Text(findings.headline, style="bold"), *(Text(line) for line in findings.sentences)]
    maps = [part for one in findings.maps for part in _map(findings, one)]
    return Group(*told, *maps, Text(), *(Text(line, style="dim") for line in [_LEGEND, "", *_made(findings)]))


def _map(findings: SweepFindings, one: TaskMap) -> list[RenderableType]:
    shown: list[tuple[str, Callable[[Cell], str]]] = [(f"{label(one.primary)} at equal diversity", lambda cell: _distance(one, cell))]
    shown += [(notation.head(name), _column(name)) for name in (*one.qualities, findings.diversity, *_COLUMNS)]
    return [part for title, written in shown for part in (Text(f"\n{one.name}: {title}", style="bold"), _grid(findings, one, written))]


def _grid(findings: SweepFindings, one: TaskMap, written: Callable[[Cell], str]) -> Table:
    by_place = {(cell.t0, cell.theta): cell for cell in one.cells}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="underline")
    table.add_column("T0", justify="right")
    for theta in findings.theta:
        table.add_column(f"theta {theta:g}", justify="right", no_wrap=True, min_width=9)
    for t0 in findings.t0:
        table.add_row(f"{t0:g}", *(written(by_place[t0, theta]) for theta in findings.theta))
    return table


def _distance(one: TaskMap, cell: Cell) -> str:
    if cell.effect is None:
        return "-"
    best = one.best["effect"].cell.policy == cell.policy
    return f"{notation.signed(cell.effect.mean, one.primary)}{'*' if cell in one.different else ''}{'!' if best else ''}"


def _column(name: str) -> Callable[[Cell], str]:
    return lambda cell: notation.number(cell.values[name].mean, name)


def _made(findings: SweepFindings) -> list[str]:
    """What was run, map by map."""
    lines: list[str] = []
    for one in findings.maps:
        sizes = f"{len(one.cells)} cells and {len(one.fixed)} fixed temperatures on {one.prompts} dev prompts, K = {one.samples}"
        lines.append(f"run: {one.content[:8]}, {one.name}, {sizes}, seeds {','.join(map(str, one.seeds))}, filters in order: {one.filters}")
        lines += [f"engine: {', '.join(f'{name} {value}' for name, value in flat(environment))}" for environment in one.environments]
    return lines
