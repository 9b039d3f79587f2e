"""Tables of settings: every column with its interval, and what cutting texts short did."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.findings import Findings, Row
from edt_sampling.reports import notation
from edt_sampling.reports.grid import METHOD, SETTING, Column, Grid

_REALISED = ("temperature", "entropy", "length", "truncated")


def on_test(findings: Findings) -> Grid:
    """Every setting of test, ablations among them."""
    rows = _test_rows(findings)
    return _grid(f"Settings on {findings.test_prompts} test prompts", rows, _columns(rows))


def on_dev(findings: Findings) -> Grid:
    """Every setting of dev, with its effect where it is comparable."""
    rows = [row for row in findings.rows if row.stage == "dev"]
    return _grid(f"Settings on {findings.dev_prompts} dev prompts", rows, _columns(rows))


def realised(findings: Findings) -> Grid | None:
    """Means of what was generated on test: temperature, entropy, length, share of texts cut at the length limit; None without any."""
    rows = _test_rows(findings)
    names = [name for name in _REALISED if name in _columns(rows)]
    return _grid("Means over what was generated on test", rows, names) if names else None


def _test_rows(findings: Findings) -> list[Row]:
    return [row for row in findings.rows if row.stage != "dev"]


def _columns(rows: Sequence[Row]) -> list[str]:
    """All that any row has, in their order."""
    return list(dict.fromkeys(name for row in rows for name in row.values))


def _grid(caption: str, rows: Sequence[Row], names: Sequence[str]) -> Grid:
    several = len({row.filters for row in rows}) > 1
    filters = (Column("filters", "setting"),) if several else ()
    cells = tuple(
        (
            *(row.policy, row.method, row.role, *((row.filters,) if several else ())),
            *(notation.value(name, row.values.get(name)) for name in names),
        )
        for row in rows
    )
    numbers = (Column(notation.head(name)) for name in names)
    return Grid(caption, (SETTING, METHOD, Column("role", "word"), *filters, *numbers), cells)
