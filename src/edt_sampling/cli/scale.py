"""``edt scale``: the same comparison for several models, and what changes from one to the next."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edt_sampling.cli.compare import prepare, run
from edt_sampling.cli.output import say, show
from edt_sampling.cli.recipe_options import fields_of, recipe_options
from edt_sampling.experiments.observed import check_observes
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.scale import ScaleFindings, ScaleRecipe, find_scale
from edt_sampling.store import Reader


@click.command(name="scale")
@click.option("--recipe", "recipe_file", type=click.Path(path_type=Path), help="a TOML file with any of these; flags win over it")
@click.option("--model", "models", multiple=True, help="from the smallest, or the earliest stage of a training, on; repeatable")
@recipe_options(without={"model"})
@click.option("--trust-remote-code", is_flag=True, help="let a model's folder run its own Python code")
@click.option("--run-code", is_flag=True, help="run the programs that the models write, for metrics that need it; see the docs")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the findings as JSON")
def command(
    recipe_file: Path | None, models: tuple[str, ...], trust_remote_code: bool, run_code: bool, out: Path, as_json: bool, **flags: Any
) -> None:
    """Does a method's effect depend on the model's size, or on how far it is trained?

    Runs for each model what edt compare runs (a run that is complete already is taken as it is), then tells each effect, and how it differs
    from that on the first model, over the same test prompts. Stopped at any moment, the same command goes on where it was.
    """
    recipe = load_recipe(recipe_file, kind=ScaleRecipe, models=list(models) or None, **fields_of(flags))
    folders = [_compared(one, trust_remote_code, out, run_code=run_code) for one in recipe.of_each()]
    with ExitStack() as stack:
        findings = find_scale([stack.enter_context(Reader(folder)) for folder in folders], run_code=run_code)
    _print(findings, as_json)
    from edt_sampling.cli.report import place, write

    say(f"the page: {write(findings, place(folders, findings))}")


def _compared(recipe: Recipe, trust_remote_code: bool, out: Path, *, run_code: bool) -> Path:
    """The folder of one model's complete run."""
    comparison, engine = prepare(recipe, trust_remote_code, run_code=run_code)
    check_observes(engine, "edt scale teacher-forces the references")
    run(comparison, engine, out, run_code=run_code)
    return comparison.folder(out)


def _print(findings: ScaleFindings, as_json: bool) -> None:
    from edt_sampling.reports.scale import render

    if as_json:
        click.echo(json.dumps(asdict(findings), ensure_ascii=False))
    else:
        show(render(findings))
