"""``edt compare``: methods side by side on a model and a task."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from edt_sampling.cli.progress import shown
from edt_sampling.cli.recipe_options import fields_of, recipe_options
from edt_sampling.experiments.measures import check, measures
from edt_sampling.experiments.plan import Plan, make_plan
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.run import run
from edt_sampling.experiments.sensitivity import expected
from edt_sampling.experiments.summary import Summary, summarise
from edt_sampling.protocol import Engine
from edt_sampling.store import Reader

WIDTH = 100


@click.command(name="compare")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="a TOML file with any of these; flags win over it")
@recipe_options
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the table as JSON")
def command(recipe_file: Path | None, trust_remote_code: bool, out: Path, as_json: bool, **flags: Any) -> None:
    """Compare sampling methods on a model and a task.

    Without arguments: the bundled demo model on docstring summaries, 27 settings, 150 prompts, 5 texts each. Every text is
    kept; stopped at any moment, the same command goes on where it was.
    """
    recipe = load_recipe(recipe_file, **fields_of(flags))
    plan, engine = _prepare(recipe, trust_remote_code)
    folder = plan.folder(out)
    _run(plan, engine, out)
    with Reader(folder) as reader:
        summary = summarise(reader, metrics=recipe.metrics)
    _print(summary, as_json)
    _say(f"every text: edt export {folder} --out texts.jsonl")


def _prepare(recipe: Recipe, trust_remote_code: bool) -> tuple[Plan, Any]:
    """The plan and its engine; what can be refused before the model is loaded is."""
    from edt_sampling.engines import load_engine
    from edt_sampling.tasks import load_task

    metrics = measures(recipe.metrics, samples=recipe.samples)
    task = load_task(recipe.task, split=recipe.split, fresh=recipe.fresh)
    if task.notice:
        _say(task.notice)
    check(metrics, [example.references for example in task.examples(recipe.limit)])
    options = {
        name: value for name in ("dtype", "device", "threads", "cache_bytes", "chat") if (value := getattr(recipe, name)) is not None
    }
    engine: Any = load_engine("transformers", model=recipe.model, trust_remote_code=trust_remote_code, **options)
    return make_plan(recipe, task=task, model_fingerprint=engine.fingerprint), engine


def _run(plan: Plan, engine: Engine, out: Path) -> None:
    recipe, total = plan.recipe, len(plan.examples)
    sizes = f"{len(plan.settings)} settings x {total} prompts x {recipe.samples} samples x {len(recipe.seeds)} seeds = {plan.texts:,} texts"
    _say(f"{recipe.model} on {plan.task}: {sizes}")
    if "rouge_l" in recipe.metrics:
        _say(expected(total))
    with plan.writer(out) as writer:
        done = len(writer.done())
        _say(f"store: {writer.path}" + (f", {done} of {total} prompts are done" if done else ""))
        try:
            for _ in shown(run(plan, engine=engine, writer=writer, warn=_warn), done=done, total=total):
                pass
        except KeyboardInterrupt:
            _say(f"stopped; {len(writer.done())} of {total} prompts are done and kept: the same command goes on")
            raise


def _print(summary: Summary, as_json: bool) -> None:
    from edt_sampling.reports.table import as_json as plain
    from edt_sampling.reports.table import render

    if as_json:
        click.echo(json.dumps(plain(summary), ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=False)
    console.width = max(console.width, WIDTH)
    console.print(render(summary))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _warn(line: str) -> None:
    _say(f"edt: warning: {line}")
