"""``edt sweep``: what T0 and theta do, a map a task, against the curve of fixed temperatures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from edt_sampling.cli.compare import engine_of, opened, tell_limits, watch
from edt_sampling.cli.output import say, show, warn
from edt_sampling.cli.recipe_options import fields_of, recipe_options, words
from edt_sampling.experiments.comparison import Comparison
from edt_sampling.experiments.measures import check, measures
from edt_sampling.experiments.observed import check_observes
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.run import decode
from edt_sampling.experiments.sweep.find import find_sweep
from edt_sampling.experiments.sweep.findings import SweepFindings
from edt_sampling.experiments.sweep.grid import T0S, THETAS, sweep_methods
from edt_sampling.experiments.sweep.stage import SWEEP, make_sweep, sweep_stage
from edt_sampling.protocol import Engine
from edt_sampling.store import Reader

NOT_OF_A_SWEEP = ("data", "task", "policy", "limit", "until")
"""Fields of a recipe that a sweep takes in its own way, or that are about test prompts."""


def _reals(context: click.Context, parameter: click.Parameter, value: str) -> list[float]:
    try:
        return [float(part) for part in words(context, parameter, value) or []]
    except ValueError:
        raise click.BadParameter(f"expected numbers split by commas, got {value!r}") from None


def _shown(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


@click.command(name="sweep")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="a task that edt tasks lists; repeatable, a map each")
@click.option("--data", multiple=True, metavar="FILE.jsonl", help="your own examples, a JSON object a line; repeatable likewise")
@click.option("--t0", default=_shown(T0S), show_default=True, callback=_reals, metavar="T0,...", help="upper bounds of T")
@click.option("--theta", default=_shown(THETAS), show_default=True, callback=_reals, metavar="THETA,...", help="what low H takes from T")
@click.option("--policy", "kind", default="edt", show_default=True, metavar="NAME", help="or another with t0 and theta, such as udt")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="a TOML file with any of these; flags win over it")
@recipe_options(without=NOT_OF_A_SWEEP)
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--run-code", is_flag=True, help="run the programs that the model writes, each in a limited process of its own")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the findings as JSON")
def command(
    tasks: tuple[str, ...],
    data: tuple[str, ...],
    t0: list[float],
    theta: list[float],
    kind: str,
    recipe_file: Path | None,
    trust_remote_code: bool,
    run_code: bool,
    out: Path,
    as_json: bool,
    **flags: Any,
) -> None:
    """What do T0 and theta do? Maps of a dynamic temperature over both, a map a task, against fixed temperatures at equal diversity.

    Every cell of the grid and every fixed temperature decodes each dev prompt; test prompts are not looked at, because this is tuning.
    Stopped at any moment, the same command goes on where it was, and a task that is done is not decoded again.
    """
    base = load_recipe(recipe_file, **fields_of(flags))
    base = base.model_copy(update={"methods": sweep_methods(base.fixed, kind=kind, t0=t0, theta=theta)})
    recipes = [base.model_copy(update={"task": task}) for task in dict.fromkeys((*tasks, *data) or [base.task])]
    sweeps, engine = _prepare(recipes, trust_remote_code, run_code)
    for sweep in sweeps:
        _decode(sweep, engine, out)
    folders = [sweep.folder(out) for sweep in sweeps]
    with ExitStack() as stack:
        findings = find_sweep([stack.enter_context(Reader(folder)) for folder in folders], run_code=run_code)
    _print(findings, as_json)
    from edt_sampling.cli.report import place, write

    say(f"the page: {write(findings, place(folders, findings))}")
    for folder in folders:
        say(f"every text: edt export texts {folder} --out texts.jsonl")


def _prepare(recipes: Sequence[Recipe], trust_remote_code: bool, run_code: bool) -> tuple[list[Comparison], Engine]:
    """A sweep for each recipe, and the engine of all; what can be refused before the model is loaded is."""
    from edt_sampling.tasks import load_task

    tasks = [load_task(recipe.task, split="dev", fresh=recipe.fresh) for recipe in recipes]
    for recipe, task in zip(recipes, tasks, strict=True):
        metrics = measures(recipe.for_task(task.metrics).metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads)
        if task.notice:
            say(task.notice)
        check(metrics, task.examples(recipe.dev_limit))
        tell_limits(metrics)
    engine = engine_of(recipes[0], trust_remote_code)
    check_observes(engine, "edt sweep maps realised temperatures")
    pairs = zip(recipes, tasks, strict=True)
    return [make_sweep(recipe, dev=task, model_fingerprint=engine.fingerprint) for recipe, task in pairs], engine


def _decode(sweep: Comparison, engine: Engine, out: Path) -> None:
    say(f"{sweep.recipe.model} on {sweep.task}: {len(sweep.recipe.candidates[0].policies)} cells on {len(sweep.dev)} dev prompts")
    with opened(sweep, out) as (writer, _):
        stage = sweep_stage(sweep)
        stage.begin(writer)
        watch(stage, decode(stage, engine=engine, writer=writer, warn=warn), len(writer.done(SWEEP)))


def _print(findings: SweepFindings, as_json: bool) -> None:
    from edt_sampling.reports.sweep_table import render
    from edt_sampling.reports.table import as_json as plain

    if as_json:
        click.echo(json.dumps(plain(findings), ensure_ascii=False))
    else:
        show(render(findings))
