"""``edt failures``: where a run fails, texts picked by rule and not by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from edt_sampling.experiments.failures import RULES, WORST, Failures, failures
from edt_sampling.store import Reader


@click.command(name="failures")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--rule", type=click.Choice([WORST, *RULES]), default=WORST, show_default=True, help="Which texts are picked.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Texts, at most.")
@click.option("--run-code", is_flag=True, help="Run the programs that the model wrote, for worst where the metric needs it.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def command(run: Path, rule: str, limit: int, run_code: bool, as_json: bool) -> None:
    """Show where RUN, a run's folder of edt compare, fails on its test prompts: texts picked by a rule, which is printed with them.

    worst: where the subject lost most against the fixed temperature that matches it. The others also say how many of each setting's
    texts fall under the rule.
    """
    with Reader(run) as reader:
        found = failures(reader, rule, limit=limit, run_code=run_code)
    click.echo(json.dumps(asdict(found), indent=1, ensure_ascii=False) if as_json else _told(found))


def _told(found: Failures) -> str:
    lines = [f"{found.rule}: {found.told}"]
    lines += [f"  {s.failed} of {s.texts} texts ({s.failed / s.texts:.1%})  {s.method} {s.policy} ({s.role})" for s in found.shares]
    for f in found.picked:
        where = f"{f.example}  {f.method} {f.policy}, seed {f.seed}, sample {f.sample}"
        lines += ["", f"{where}: {f.score:+.4g} {found.unit}" if found.rule == WORST else f"{where}: {f.score:.4g} {found.unit}", f.text]
    return "\n".join(lines if found.picked else [*lines, "no text falls under it"])
