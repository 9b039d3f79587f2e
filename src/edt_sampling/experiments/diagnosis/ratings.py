"""Filled rating sheets, read back and validated."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from edt_sampling.experiments.diagnosis.sheet import ALTERNATIVES
from edt_sampling.store import Rating, StepKey

RANGES = {"certain": (1, 5), "acceptable": (0, ALTERNATIVES)}


def read_sheet(path: Path, steps: Mapping[str, StepKey]) -> tuple[list[Rating], list[str]]:
    """What the rater of this sheet, called after the file, says; and its mistakes, a line each. Lines without an answer say nothing.

    ``steps`` is the key of the run's sheets.

    Raises:
        ValueError: the file is no CSV in UTF-8 with the columns ``id``, ``certain`` and ``acceptable``.
        OSError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"ratings {path}: must be CSV in UTF-8: save the sheet so") from None
    first = text.partition("\n")[0]
    table = csv.DictReader(text.splitlines(keepends=True), delimiter=";" if first.count(";") > first.count(",") else ",")
    missing = [name for name in ("id", *RANGES) if name not in (table.fieldnames or ())]
    if missing:
        raise ValueError(f"ratings {path}: has no column {', '.join(missing)}; its first line must be the sheet's")
    found, mistakes = dict[str, Rating](), list[str]()
    for row in table:
        where = f"ratings {path}, line {table.line_num}"
        name = (row["id"] or "").strip()
        if name not in steps:
            mistakes.append(f"{where}: id {name!r} is not of this run's sheets")
        elif name in found:
            mistakes.append(f"{where}: id {name} stands twice")
        else:
            values = dict(_values(row, where, mistakes))
            found[name] = Rating(path.stem, name, values.get("certain"), values.get("acceptable"))
    return [rating for rating in found.values() if (rating.certain, rating.acceptable) != (None, None)], mistakes


def _values(row: Mapping[str, str | None], where: str, mistakes: list[str]) -> Iterator[tuple[str, int]]:
    """The answers of a line that are what they should be; the others go to the mistakes."""
    for column, (low, high) in RANGES.items():
        given = (row[column] or "").strip()
        if not given:
            continue
        if given.isdecimal() and low <= int(given) <= high:
            yield column, int(given)
        else:
            mistakes.append(f"{where}: {column} must be a whole number from {low} to {high}, or empty, got {given!r}")
