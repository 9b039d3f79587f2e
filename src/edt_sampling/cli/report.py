"""``edt report``: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Findings
from edt_sampling.store import Reader


@click.command(name="report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: report.html in RUN]")
def command(run: Path, out: Path | None) -> None:
    """Draw RUN, a complete run's folder, as one HTML page that needs no network: the verdict, and every number behind it.

    Equal runs give equal bytes.
    """
    with Reader(run) as reader:
        findings = find(reader)
        path = write(findings, out or reader.path.parent / "report.html")
    click.echo(f"{path}")


def write(findings: Findings, path: Path) -> Path:
    """Writes the page and returns where."""
    from edt_sampling.reports.page import page

    path.write_text(page(findings), encoding="utf-8")
    return path
