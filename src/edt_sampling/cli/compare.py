"""``edt compare``: does a method help on a model and a task? The verdict, and the page that shows it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from edt_sampling.cli.output import say, show, warn
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
from edt_sampling.store import Reader, Writer


@click.command(name="compare")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="a TOML file with any of these; flags win over it")
@recipe_options()
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--run-code", is_flag=True, help="run the programs that the model writes, each in a limited process of its own")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the findings as JSON")
def command(recipe_file: Path | None, trust_remote_code: bool, run_code: bool, out: Path, as_json: bool, **flags: Any) -> None:
    """Does a sampling method help on a model and a task? At equal diversity, is quality higher?

    Dev prompts choose each method's setting, test prompts judge it against the fixed temperatures. Without arguments: the bundled demo
    model on docstring summaries, 41 settings on 60 dev prompts, the chosen ones on 200 test prompts, 5 texts each. Every text is
    kept; stopped at any moment, the same command goes on where it was.
    """
    recipe = load_recipe(recipe_file, **fields_of(flags))
    comparison, engine = prepare(recipe, trust_remote_code, run_code=run_code)
    run(comparison, engine, out, run_code=run_code)
    folder = comparison.folder(out)
    if run_code:
        say("running the programs that the model wrote")
    with Reader(folder) as reader:
        findings = find(reader, run_code=run_code)
    _print(findings, as_json)
    from edt_sampling.cli.report import write

    say(f"the page: {write(findings, folder / 'report.html')}")
    say(f"every text: edt export texts {folder} --out texts.jsonl")


def prepare(recipe: Recipe, trust_remote_code: bool, *, run_code: bool = False) -> tuple[Comparison, Any]:
    """The comparison and its engine; what can be refused before the model is loaded is."""
    from edt_sampling.tasks import load_task

    dev, test = (load_task(recipe.task, split=split, fresh=recipe.fresh) for split in ("dev", "test"))
    metrics = measures(recipe.for_task(test.metrics).metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads)
    if test.notice:
        say(test.notice)
    check(metrics, [*dev.examples(recipe.dev_limit), *test.examples(recipe.test_limit)])
    tell_limits(metrics)
    engine = engine_of(recipe, trust_remote_code)
    return make_comparison(recipe, dev=dev, test=test, model_fingerprint=engine.fingerprint), engine


def tell_limits(metrics: Sequence[Any]) -> None:
    """Warns of what the model's programs may use as much of as they like."""
    for metric in metrics:
        if metric.reads == "checks" and (missing := metric.unenforced()):
            warn(f"the model's programs run here without a limit on {', '.join(missing)}")


def engine_of(recipe: Recipe, trust_remote_code: bool) -> Any:
    """The engine that a recipe asks for."""
    from edt_sampling.engines import load_engine

    code = {"trust_remote_code": True} if trust_remote_code else {}
    return load_engine(recipe.engine, **recipe.engine_options(), **code)


def run(comparison: Comparison, engine: Engine, out: Path, *, run_code: bool = False) -> None:
    recipe = comparison.recipe
    say(f"{recipe.model} on {comparison.task}: {len(comparison.dev)} dev prompts choose, {len(comparison.test)} test prompts judge")
    if "rouge_l" in recipe.metrics:
        say(expected(len(comparison.test), len(recipe.candidates)))
    with opened(comparison, out) as (writer, reader):
        Session(
            comparison=comparison, engine=engine, writer=writer, reader=reader, watch=watch, tell=say, warn=warn, run_code=run_code
        ).run()


class Stored(Protocol):
    """What has a run of its own."""

    def writer(self, parent: Path) -> Writer: ...


@contextmanager
def opened(stored: Stored, out: Path) -> Generator[tuple[Writer, Reader]]:
    """The run, to be written and read; an interrupt says what is kept of it."""
    with stored.writer(out) as writer, Reader(writer.path) as reader:
        say(f"store: {writer.path}")
        try:
            yield writer, reader
        except KeyboardInterrupt:
            done = ", ".join(f"{len(writer.done(stage))} prompts of {stage}" for stage in reader.stages())
            say(f"stopped; {done or 'no prompt'} done and kept: the same command goes on")
            raise


def watch(stage: Stage, units: Iterator[int], done: int) -> None:
    """Consumes a stage's units, counted on standard error below a line that says what they are."""
    total = len(stage.examples)
    sizes = f"{len(stage.settings)} settings x {total} prompts"
    if not stage.forced:
        sizes += f" x {stage.recipe.samples} samples x {len(stage.recipe.seeds)} seeds = {stage.texts:,} texts"
    say(f"{stage.name}: {sizes}" + (f", {done} of {total} prompts are done" if done else ""))
    for _ in shown(units, done=done, total=total):
        pass


def _print(findings: Findings, as_json: bool) -> None:
    from edt_sampling.reports.table import as_json as plain
    from edt_sampling.reports.table import render

    if as_json:
        click.echo(json.dumps(plain(findings), ensure_ascii=False))
    else:
        show(render(findings))
