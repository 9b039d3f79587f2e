"""Conformance in the terminal: a table an engine, and one of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table

from edt_sampling.conformance.check import Finding
from edt_sampling.conformance.subject import Subject

STYLES = {"ok": "green", "FAIL": "bold red", "not run": "yellow"}


def render(subject: Subject, findings: Sequence[Finding]) -> Table:
    """The findings of an engine, its versions and margins above them."""
    margins = f"margins {subject.rows_margin:.0e} on given logits, {subject.steps_margin:.0e} on the bundled model"
    table = Table(title=f"{subject.engine}: {subject.versions()}, {subject.sampler}; {margins}", title_justify="left")
    for column in ("check", "H off by", "T off by", "p off by"):
        table.add_column(column, justify="left" if column == "check" else "right")
    table.add_column("verdict")
    table.add_column("", overflow="fold")
    for finding in findings:
        errors = (finding.entropy, finding.temperature, finding.probability)
        verdict = f"[{STYLES[finding.verdict]}]{finding.verdict}[/]"
        table.add_row(finding.check, *("" if e is None else f"{e:.1e}" for e in errors), verdict, finding.told)
    return table


def summary(results: Mapping[Subject, Sequence[Finding]]) -> Table:
    """A row an engine: the largest errors on given logits and on the bundled model's texts, and how many checks are as they should be."""
    table = Table(title="every engine", title_justify="left")
    for column in ("engine", "sampler", "given logits: H, T, p", "texts: H, T", "checks"):
        table.add_column(column, overflow="fold")
    for subject, findings in results.items():
        rows = [f for f in findings if f.probability is not None]
        texts = [f for f in findings if f.entropy is not None and f.probability is None]
        errors = ", ".join(_worst(getattr(f, name) for f in rows) for name in ("entropy", "temperature", "probability"))
        steps = ", ".join(_worst(getattr(f, name) for f in texts) for name in ("entropy", "temperature"))
        counts = [(verdict, sum(f.verdict == verdict for f in findings)) for verdict in STYLES]
        told = ", ".join(f"[{STYLES[verdict]}]{count} {verdict}[/]" for verdict, count in counts if count)
        table.add_row(subject.versions(), subject.sampler, errors, steps, told)
    return table


def _worst(errors: Iterable[float | None]) -> str:
    known = [error for error in errors if error is not None]
    return f"{max(known):.0e}" if known else "-"
