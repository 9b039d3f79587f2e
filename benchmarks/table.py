"""Tables in markdown, with times, their spread, and ratios that are left out where the machine was busy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.record import Case, Spread

NO_RATIO = "-"


@dataclass(frozen=True)
class Table:
    """``above``: a line that says what it shows; ``notes``: lines below."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    above: str = ""
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The table with what stands around it, without an empty line at either end."""
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, ("---",) * len(self.columns), *self.rows)]
        parts = [self.above, "\n".join(lines), *self.notes]
        return "\n\n".join(part for part in parts if part)


def side_by_side_table(
    cases: Sequence[Case],
    *,
    labels: Mapping[str, str],
    columns: Mapping[str, str],
    ratios: Mapping[str, tuple[str, str]] | None = None,
    cpu: Sequence[str] = (),
    above: str = "",
    unit: float = 1000,
) -> Table:
    """A row a case. ``labels``, ``columns``: headings to labels and to contenders, whose wall times are shown by ``unit`` (1,000:
    milliseconds); ``ratios``: headings to the two contenders; ``cpu``: contenders whose CPU times share a last column."""
    headings = (*labels, *columns, *(ratios or {}), *([f"CPU: {' / '.join(cpu)}"] if cpu else []))
    rows = [
        (
            *(_label(case.labels[key]) for key in labels.values()),
            *(timed(case.seconds(name), unit) for name in columns.values()),
            *(times(case.ratio(*pair)) for pair in (ratios or {}).values()),
            *([" / ".join(digits(unit * case.seconds(name, "cpu").median) for name in cpu)] if cpu else []),
        )
        for case in cases
    ]
    return Table(headings, tuple(rows), above, busy_note(cases) if ratios else ())


def busy_note(cases: Sequence[Case]) -> tuple[str, ...]:
    """A note that says why a ratio is missing, where one is."""
    busy = [case for case in cases if case.busy]
    if not busy:
        return ()
    most, threads, cores = max(case.others for case in busy), max(case.threads for case in busy), busy[0].cores
    return (
        f"{NO_RATIO}: no ratio, because the machine was busy: other processes kept up to {most:.1f} of its {cores} cores at work "
        f"beside {_threads(threads)} of ours.",
    )


def timed(found: Spread, unit: float = 1000) -> str:
    """A median with half the distance between the quartiles."""
    return digits(unit * found.median) + _around(found, unit)


def times(found: Spread | None) -> str:
    """A ratio with half the distance between its quartiles."""
    return NO_RATIO if found is None else f"**{digits(found.median)}**" + _around(found, 1)


def _around(found: Spread, unit: float) -> str:
    """Nothing for what was measured once."""
    return f" ±{digits(unit * (found.high - found.low) / 2, 1)}" if found.high > found.low else ""


def digits(value: float, wanted: int = 3) -> str:
    """A positive number with so many significant digits, as a person writes it: 1,734 and 0.0412, never 1.7e+03."""
    if not value:
        return "0"
    shown = float(f"{value:.{wanted}g}")
    return f"{shown:,.{max(0, wanted - 1 - math.floor(math.log10(shown)))}f}"


def _label(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def where(cases: Sequence[Case], **labels: Any) -> list[Case]:
    """The cases with these labels; a label may be a condition."""

    def fits(case: Case) -> bool:
        return all(w(case.labels[n]) if isinstance(w, Callable) else case.labels[n] == w for n, w in labels.items())

    return [case for case in cases if fits(case)]
