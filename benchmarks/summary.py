"""The table that a reader wants first, and what a draw is of a whole decode step."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.decode_step import share, whole
from benchmarks.record import Case, Record
from benchmarks.shapes import LLAMA, NOISE
from benchmarks.table import NO_RATIO, Table, busy_note, digits, times, where

THREE = ("today", "Fixed", "EDT")


def summary(records: Mapping[str, Record]) -> list[Table]:
    """One token a row from Llama 3's vocabulary: milliseconds, ratios, and the share of a 1B model's step; none without the draws."""
    if "draw" not in records:
        return []
    cases = where(records["draw"].cases, words=LLAMA, numbers="float32", logits=NOISE)
    chosen = [case for case in cases if case.labels["filters"] in ("none", "top-p") and case.labels["rows"] in (1, 8)]
    columns = (
        "a draw of",
        "today, ms",
        "our Fixed, ms",
        "our EDT, ms",
        "today / EDT",
        "EDT / Fixed",
        "EDT / two exp passes",
        "of a 1B step",
    )
    rows = [
        (
            _named(case),
            *(digits(1000 * case.seconds(name).median) for name in THREE),
            *(times(case.ratio(*pair)) for pair in (("today", "EDT"), ("EDT", "Fixed"), ("EDT", "floor"))),
            _from_to(case, _decode(records, "1B", case.labels["rows"])),
        )
        for case in chosen
    ]
    return [Table(columns, tuple(rows), notes=busy_note(chosen))]


def _named(case: Case) -> str:
    rows = case.labels["rows"]
    filters = "" if case.labels["filters"] == "none" else f", {case.labels['filters']} 0.95"
    return f"{rows} row{'s' if rows > 1 else ''}{filters}"


def _from_to(case: Case, step: Case | None) -> str:
    if step is None or case.busy or step.busy:
        return NO_RATIO
    return f"{share(case, 'today', step)} → {share(case, 'EDT', step)}"


def _decode(records: Mapping[str, Record], model: str, rows: int) -> Case | None:
    found = where(records["decode"].cases, model=model, rows=rows) if "decode" in records else []
    return found[0] if found else None


def shares(records: Mapping[str, Record]) -> list[Table]:
    """What each of the three columns is of a decode step with it, for both models; none without draws and steps of the same shape."""
    if not {"draw", "decode"} <= records.keys():
        return []
    columns = (
        "model",
        "rows",
        "words",
        "filters",
        "the model, ms",
        *(f"{name}, of the step" for name in ("today", "our Fixed", "our EDT")),
    )
    rows = [
        (
            step.labels["model"],
            str(step.labels["rows"]),
            f"{step.labels['words']:,}",
            case.labels["filters"],
            digits(1000 * whole(step).median),
            *(share(case, name, step) for name in THREE),
        )
        for step in records["decode"].cases
        for case in where(records["draw"].cases, words=step.labels["words"], rows=step.labels["rows"], numbers="float32", logits=NOISE)
    ]
    found = [*records["draw"].cases, *records["decode"].cases]
    return [Table(columns, tuple(rows), notes=busy_note(found))] if rows else []
