"""``edt conformance``: does an engine make of logits and of the bundled model what the oracle does?"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from edt_sampling.cli.output import say, show
from edt_sampling.conformance import SUBJECTS, load_subject
from edt_sampling.conformance.check import Finding, conformance
from edt_sampling.conformance.golden import golden
from edt_sampling.conformance.subject import Subject


@click.command(name="conformance")
@click.option(
    "--engine", "engines", multiple=True, metavar="NAME", help=f"{', '.join(SUBJECTS.built_in)}; repeatable  [default: what is installed]"
)
@click.option("--json", "as_json", is_flag=True, help="a JSON object an engine and line")
@click.pass_context
def command(context: click.Context, engines: tuple[str, ...], as_json: bool) -> None:
    """Hold engines against the golden vectors: given logits through each engine's own sampler, and the bundled model's own steps.

    The exit status is 1 where a row fails.
    """
    results: dict[Subject, list[Finding]] = {}
    for name in engines or SUBJECTS.built_in:
        try:
            subject = load_subject(name)
        except ImportError as error:
            if engines:
                raise
            say(f"edt: left out: {error}")
            continue
        findings = list(conformance(subject, golden()))
        _print(subject, findings, as_json)
        results[subject] = findings
    if len(results) > 1 and not as_json:
        from edt_sampling.reports.conformance import summary

        show(summary(results))
    context.exit(1 if any(finding.verdict == "FAIL" for findings in results.values() for finding in findings) else 0)


def _print(subject: Subject, findings: list[Finding], as_json: bool) -> None:
    from edt_sampling.reports.conformance import render

    if as_json:
        told = {"engine": subject.engine, "versions": subject.versions(), "sampler": subject.sampler}
        margins = {"rows_margin": subject.rows_margin, "steps_margin": subject.steps_margin}
        click.echo(json.dumps({**told, **margins, "findings": [asdict(finding) for finding in findings]}))
    else:
        show(render(subject, findings))
