"""``edt report``: a run as one HTML page, and its figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import click

from edt_sampling.experiments.diagnosis.find import find_diagnosis
from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings
from edt_sampling.experiments.diagnosis.stages import is_diagnosis
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Findings
from edt_sampling.experiments.scale import ScaleFindings, find_scale
from edt_sampling.experiments.sweep.find import find_sweep
from edt_sampling.experiments.sweep.findings import SweepFindings
from edt_sampling.experiments.sweep.stage import is_sweep
from edt_sampling.store import Reader, content_hash

Found = Findings | SweepFindings | ScaleFindings | DiagnosisFindings


@click.command(name="report")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: report.html in RUN]")
@click.option("--run-code", is_flag=True, help="Run the programs that the model wrote again, for metrics that need it.")
@click.option("--figures", type=click.Path(path_type=Path, file_okay=False), help="Folder for each figure as an SVG file of its own.")
def command(runs: tuple[Path, ...], out: Path | None, run_code: bool, figures: Path | None) -> None:
    """Draw RUN, a complete run's folder, as one HTML page that needs no network: the verdict, and every number behind it.

    Runs of edt sweep over one grid can be drawn together, a map each, and runs of edt compare of several models, as edt scale does. Equal
    runs give equal bytes.
    """
    with ExitStack() as opened:
        readers = [opened.enter_context(Reader(run)) for run in runs]
        findings = _findings(readers, run_code)
        path = write(findings, out or place([reader.path.parent for reader in readers], findings))
    click.echo(f"{path}")
    if figures is not None:
        from edt_sampling.reports.charts.standalone import write_figures

        for drawn in write_figures(_drawing(findings).figures(findings), figures):
            click.echo(f"{drawn}")


def _findings(readers: Sequence[Reader], run_code: bool) -> Found:
    if any(is_sweep(reader) for reader in readers):
        return find_sweep(readers, run_code=run_code)
    if len(readers) > 1:
        return find_scale(readers, run_code=run_code)
    return find_diagnosis(readers[0], run_code=run_code) if is_diagnosis(readers[0]) else find(readers[0], run_code=run_code)


def write(findings: Found, path: Path) -> Path:
    """Writes the page and returns where."""
    path.write_text(_drawing(findings).page(findings), encoding="utf-8")
    return path


def place(folders: Sequence[Path], findings: Found) -> Path:
    """Where the page lies by default: in its run's folder; of several runs, beside the first one's, named for all of them."""
    if len(folders) == 1:
        return folders[0] / "report.html"
    contents = [one.content for one in (findings.maps if isinstance(findings, SweepFindings) else cast(ScaleFindings, findings).points)]
    kind = "sweep" if isinstance(findings, SweepFindings) else "scale"
    return folders[0].parent / f"{kind}-{content_hash({'runs': contents})[:8]}.html"


def _drawing(findings: Found) -> Any:
    """The module that draws these findings: their ``page`` and its ``figures``."""
    from edt_sampling.reports import diagnose, page, scale, sweep

    kinds = {DiagnosisFindings: diagnose, ScaleFindings: scale, SweepFindings: sweep, Findings: page}
    return kinds[type(findings)]
