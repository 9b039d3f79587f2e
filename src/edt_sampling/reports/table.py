"""Findings in the terminal: the verdict, the effects, and one row a setting; and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.experiments.findings import Effect, Estimate, Findings, Row
from edt_sampling.experiments.measures import label
from edt_sampling.experiments.verdict import p_value
from edt_sampling.store import flat

_HEADS = {"length": "len", "truncated": "cut", "temperature": "T", "entropy": "H"}
_ONE_DIGIT = {"eda", "length"}
_TWO_DIGITS = {"truncated", "temperature", "entropy"}
_RECORDED = ("truncated", "temperature", "entropy")
_HIDDEN = ("eda_quality", "eda_diversity", "effect")
_MARKS = {"greedy": "greedy", "baseline": "*", "tuned": "*"}
_LEGEND = (
    "[a-b]: 95% interval over prompts. EDA: distance to the aim, lower is better, then its two terms, quality + diversity. "
    "*: its method's best EDA on dev. cut: share of texts that reached the length limit."
)
_OBSERVED = "T, H: realised mean temperature, mean entropy in nats."


def render(findings: Findings) -> RenderableType:
    """The verdict above the tables, and what they must not be read without; 100 columns are enough."""
    head = Text(findings.headline, style="bold")
    told = [Text(line) for line in findings.sentences]
    legend = f"{_LEGEND} {_OBSERVED}" if any("temperature" in row.values for row in findings.rows) else _LEGEND
    below = [Text(line, style="dim") for line in [legend, "", *signature(findings)]]
    return Group(head, *told, Text(), _effects(findings.effects), Text(), _settings(findings), *below)


def signature(findings: Findings) -> list[str]:
    """Lines that say what was run and how it was scored."""
    filters = list(dict.fromkeys(row.filters for row in findings.rows))
    drawn = f"K = {findings.samples}, seeds {','.join(map(str, findings.seeds))}"
    sizes = f"{findings.dev_prompts} dev and {findings.test_prompts} test prompts"
    return [
        *findings.notes,
        f"run: {findings.content[:8]}, {sizes}, {drawn}, filters in order: {' or '.join(filters)}",
        *(f"engine: {', '.join(f'{name} {value}' for name, value in flat(environment))}" for environment in findings.environments),
        *(told for name, told in findings.signatures.items() if name not in _RECORDED),
    ]


def as_json(findings: Any) -> dict[str, Any]:
    """A dataclass of findings as plain values, without the texts; nan becomes null."""
    return {name: _plain(value) for name, value in asdict(findings).items() if name != "contrasts"}


def _effects(effects: Sequence[Effect]) -> Table:
    """Effect and interval first, p second; the metric where there is more than one."""
    several = len({e.metric for e in effects}) > 1
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("method", overflow="fold")
    for head in (*(("metric",) if several else ()), "effect at equal diversity", "p (Holm)", "could see", ""):
        table.add_column(head, justify="left" if head in ("metric", "") else "right", no_wrap=True)
    for e in effects:
        adjusted = 1.0 if e.adjusted is None else e.adjusted
        seen = "-" if e.detectable is None else f"{e.detectable:.4f}"
        cells = (_signed(e.effect), p_value(adjusted), seen) if e.effect else ("-", "-", "-")
        table.add_row(Text(f"{e.method} {_short(e.policy)}"), *((label(e.metric),) if several else ()), *cells, e.call)
    return table


def _settings(findings: Findings) -> Table:
    """The settings of the test and shuffled stages under their methods' names."""
    rows = [row for row in findings.rows if row.stage != "dev"]
    methods = list(dict.fromkeys(row.method for row in rows))
    rows.sort(key=lambda row: methods.index(row.method))
    columns = [name for name in dict.fromkeys(name for row in rows for name in row.values) if name not in _HIDDEN]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("on test", overflow="fold")
    for name in columns:
        table.add_column(_HEADS.get(name, label(name)), justify="right", no_wrap=True)
    several = len({row.filters for row in rows}) > 1
    for (method, filters), group in groupby(rows, key=lambda row: (row.method, row.filters)):
        table.add_row(Text.assemble((method, "bold"), f" {filters}" if several else ""))
        for row in group:
            mark = f" {_MARKS[row.role]}" if row.role in _MARKS else ""
            cells = (Text(_cell(row, name, bounded=name in (findings.primary, findings.diversity))) for name in columns)
            table.add_row(Text.assemble(f" {_short(row.policy)}", (mark, "italic")), *cells)
    return table


def _short(policy: str) -> str:
    """A setting under its method's name: a fixed temperature's number, another policy's parameters."""
    name, _, parameters = policy.partition(":")
    return f"T {parameters.partition('=')[2]}" if name == "fixed" else parameters or name


def _cell(row: Row, name: str, *, bounded: bool) -> str:
    if (estimate := row.values.get(name)) is None:
        return "-"
    text = number(name, estimate.mean)
    if bounded and estimate.low is not None and estimate.high is not None:
        text += f" [{number(name, estimate.low)}-{number(name, estimate.high)}]"
    if name == "eda":
        text += " " + "+".join(f"{row.values[term].mean:.0f}" for term in ("eda_quality", "eda_diversity"))
    return text


def number(name: str, value: float) -> str:
    """Fractions without their leading zero, so that intervals fit."""
    if name in _ONE_DIGIT:
        return f"{value:.1f}"
    return f"{value:.2f}" if name in _TWO_DIGITS else f"{value:.3f}".removeprefix("0")


def _signed(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{estimate.mean:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownArgumentType]
    return None if isinstance(value, float) and value != value else value
