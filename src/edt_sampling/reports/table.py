"""A summary as a table for the terminal, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edt_sampling.experiments.summary import Estimate, Row, Summary
from edt_sampling.store import flat

_HEADS = {
    "rouge_l": "ROUGE-L",
    "bleu": "BLEU",
    "self_bleu": "Self-BLEU",
    "eda": "EDA",
    "length": "len",
    "truncated": "cut",
    "temperature": "T",
    "entropy": "H",
}
_ONE_DIGIT = {"eda", "length"}
_TWO_DIGITS = {"truncated", "temperature", "entropy"}
_RECORDED = ("truncated", "temperature", "entropy")
_LEGEND = (
    "[a-b]: 95% bootstrap interval over prompts. EDA: distance to the aim, lower is better, then its two terms, quality + diversity. "
    "cut: share of texts that reached the length limit. T, H: realised mean temperature, mean entropy in nats."
)


def render(summary: Summary) -> RenderableType:
    """The table, a row a setting under its method's name, and what it must not be read without; 100 columns are enough."""
    return Group(_table(summary), *(Text(line, style="dim") for line in [_LEGEND, "", *signature(summary)]))


def signature(summary: Summary) -> list[str]:
    """Lines that say what was run and how it was scored."""
    filters = list(dict.fromkeys(row.setting.filters for row in summary.rows))
    drawn = f"K = {summary.samples}, seeds {','.join(map(str, summary.seeds))}"
    return [
        *summary.notes,
        f"run: {summary.content[:8]}, {summary.prompts} prompts, {drawn}, filters in order: {' or '.join(filters)}",
        *(f"engine: {', '.join(f'{name} {value}' for name, value in flat(environment))}" for environment in summary.environments),
        *(told for name, told in summary.signatures.items() if name not in _RECORDED),
    ]


def as_json(summary: Summary) -> dict[str, Any]:
    """The summary as plain values: nan becomes null, intervals without ends have none."""
    rows = [{**asdict(row.setting), "values": {name: _plain(e) for name, e in row.values.items()}} for row in summary.rows]
    rest = {name: value for name, value in asdict(summary).items() if name != "rows"}
    return {**rest, "settings": rows}


def _table(summary: Summary) -> Table:
    columns = [name for name in summary.rows[0].values if name not in ("eda_quality", "eda_diversity")]
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    table.add_column("policy", overflow="fold")
    for name in columns:
        table.add_column(_HEADS.get(name, name.replace("distinct_", "dist-")), justify="right", no_wrap=True)
    for (method, filters), rows in groupby(summary.rows, key=lambda row: (row.setting.method, row.setting.filters)):
        group = list(rows)
        kinds = {row.setting.policy.partition(":")[0] for row in group}
        table.add_row(_heading(method, kinds, filters if _several_filters(summary) else None))
        for row in group:
            name, _, parameters = row.setting.policy.partition(":")
            label = parameters if len(kinds) == 1 and parameters else f"{name}:{parameters}"
            table.add_row(Text(f" {label}"), *(Text(_cell(row, name)) for name in columns))
    return table


def _heading(method: str, kinds: set[str], filters: str | None) -> Text:
    """The method's name, with its policies' if that is another one, so that rows need only their parameters."""
    heading = Text(method, style="bold")
    if len(kinds) == 1 and (kind := min(kinds)) != method.lower().replace(" ", "-"):
        heading.append(f" {kind}:", style="not bold")
    if filters:
        heading.append(f" {filters}", style="not bold")
    return heading


def _several_filters(summary: Summary) -> bool:
    return len({row.setting.filters for row in summary.rows}) > 1


def _cell(row: Row, name: str) -> str:
    estimate = row.values[name]
    text = _number(name, estimate.mean)
    if estimate.low is not None and estimate.high is not None:
        text += f" [{_end(name, estimate.low)}-{_end(name, estimate.high)}]"
    if name == "eda":
        text += " " + "+".join(f"{row.values[term].mean:.0f}" for term in ("eda_quality", "eda_diversity"))
    return text


def _number(name: str, value: float) -> str:
    """Fractions without their leading zero, so that intervals fit."""
    if value != value:
        return "-"
    if name in _ONE_DIGIT:
        return f"{value:.1f}"
    return f"{value:.2f}" if name in _TWO_DIGITS else f"{value:.3f}".removeprefix("0")


def _end(name: str, value: float) -> str:
    return f"{value:.0f}" if name == "eda" else _number(name, value)


def _plain(estimate: Estimate) -> dict[str, float]:
    return {name: value for name, value in asdict(estimate).items() if value is not None and value == value}
