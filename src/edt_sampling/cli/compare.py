"""``edt compare``: does a method help on a model and a task? The verdict, and the page that shows it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from edt_sampling.cli.progress import shown
from edt_sampling.cli.recipe_options import fields_of, recipe_options
from edt_sampling.experiments.compare import Session
from edt_sampling.experiments.comparison import Comparison, make_comparison
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Findings
from edt_sampling.experiments.measures import check, measures
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.sensitivity import expected
from edt_sampling.experiments.stage import Stage
from edt_sampling.protocol import Engine
from edt_sampling.store import Reader

WIDTH = 100


@click.command(name="compare")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="a TOML file with any of these; flags win over it")
@recipe_options
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the findings as JSON")
def command(recipe_file: Path | None, trust_remote_code: bool, out: Path, as_json: bool, **flags: Any) -> None:
    """Does a sampling method help on a model and a task? At equal diversity, is quality higher?

    Dev prompts choose each method's setting, test prompts judge it against the fixed temperatures. Without arguments: the bundled demo
    model on docstring summaries, 41 settings on 60 dev prompts, the chosen ones on 200 test prompts, 5 texts each. Every text is
    kept; stopped at any moment, the same command goes on where it was.
    """
    recipe = load_recipe(recipe_file, **fields_of(flags))
    comparison, engine = _prepare(recipe, trust_remote_code)
    _run(comparison, engine, out)
    folder = comparison.folder(out)
    with Reader(folder) as reader:
        findings = find(reader, metrics=recipe.metrics)
    _print(findings, as_json)
    from edt_sampling.cli.report import write

    _say(f"the page: {write(findings, folder / 'report.html')}")
    _say(f"every text: edt export {folder} --out texts.jsonl")


def _prepare(recipe: Recipe, trust_remote_code: bool) -> tuple[Comparison, Any]:
    """The comparison and its engine; what can be refused before the model is loaded is."""
    from edt_sampling.engines import load_engine
    from edt_sampling.tasks import load_task

    metrics = measures(recipe.metrics, samples=recipe.samples)
    dev, test = (load_task(recipe.task, split=split, fresh=recipe.fresh) for split in ("dev", "test"))
    if test.notice:
        _say(test.notice)
    check(metrics, [e.references for e in (*dev.examples(recipe.dev_limit), *test.examples(recipe.test_limit))])
    options = {
        name: value for name in ("dtype", "device", "threads", "cache_bytes", "chat") if (value := getattr(recipe, name)) is not None
    }
    engine: Any = load_engine("transformers", model=recipe.model, trust_remote_code=trust_remote_code, **options)
    return make_comparison(recipe, dev=dev, test=test, model_fingerprint=engine.fingerprint), engine


def _run(comparison: Comparison, engine: Engine, out: Path) -> None:
    recipe = comparison.recipe
    _say(f"{recipe.model} on {comparison.task}: {len(comparison.dev)} dev prompts choose, {len(comparison.test)} test prompts judge")
    if "rouge_l" in recipe.metrics:
        _say(expected(len(comparison.test), len(recipe.candidates)))
    with comparison.writer(out) as writer, Reader(writer.path) as reader:
        _say(f"store: {writer.path}")
        try:
            Session(comparison=comparison, engine=engine, writer=writer, reader=reader, watch=_watch, tell=_say, warn=_warn).run()
        except KeyboardInterrupt:
            done = ", ".join(f"{len(writer.done(stage))} prompts of {stage}" for stage in reader.stages())
            _say(f"stopped; {done or 'no prompt'} done and kept: the same command goes on")
            raise


def _watch(stage: Stage, units: Iterator[int], done: int) -> None:
    total = len(stage.examples)
    sizes = f"{len(stage.settings)} settings x {total} prompts"
    if not stage.forced:
        sizes += f" x {stage.recipe.samples} samples x {len(stage.recipe.seeds)} seeds = {stage.texts:,} texts"
    _say(f"{stage.name}: {sizes}" + (f", {done} of {total} prompts are done" if done else ""))
    for _ in shown(units, done=done, total=total):
        pass


def _print(findings: Findings, as_json: bool) -> None:
    from edt_sampling.reports.table import as_json as plain
    from edt_sampling.reports.table import render

    if as_json:
        click.echo(json.dumps(plain(findings), ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=False)
    console.width = max(console.width, WIDTH)
    console.print(render(findings))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _warn(line: str) -> None:
    _say(f"edt: warning: {line}")
