"""``edt diagnose``: is entropy a good proxy for confidence on a model and a task, and do the policies act where they should?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edt_sampling.cli.compare import opened, watch
from edt_sampling.cli.output import say, show, warn
from edt_sampling.cli.recipe_options import field_option, words
from edt_sampling.experiments.diagnosis.find import find_diagnosis
from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings
from edt_sampling.experiments.diagnosis.ratings import read_sheet
from edt_sampling.experiments.diagnosis.recipe import DiagnosisRecipe, diagnosis_recipe
from edt_sampling.experiments.diagnosis.session import DiagnosisSession
from edt_sampling.experiments.diagnosis.sheet import pick, write
from edt_sampling.experiments.diagnosis.stages import Diagnosis, make_diagnosis
from edt_sampling.experiments.measures import check, measures
from edt_sampling.store import Reader, Writer

F = TypeVar("F", bound=Callable[..., Any])
SHEET_STEPS = 50


def _recipe_options(command: F) -> F:
    """A command with a flag for every field of a diagnosis' recipe; those not given arrive as None, or as an empty tuple."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _field(name: str, **more: Any) -> Callable[[F], F]:
    return field_option(DiagnosisRecipe, name, **more)


def _repeatable(name: str, flag: str, metavar: str) -> Callable[[F], F]:
    field = DiagnosisRecipe.model_fields[name]
    default = f"  [default: {', '.join(field.default)}]" if field.default else ""
    told = f"{field.description}; repeatable{default}"
    return click.option(flag, name, multiple=True, metavar=metavar, help=told)


_OPTIONS = (
    _field("model"),
    click.option("--data", metavar="FILE.jsonl", help="your own examples, a JSON object a line: prompt, references"),
    _field("task"),
    _field("fresh", is_flag=True, flag_value=True),
    _field("limit", type=int),
    _repeatable("policies", "--policy", "SPEC"),
    _field("filters"),
    _field("samples", type=int),
    _field("seed", type=int),
    _field("max_new_tokens", type=int),
    _repeatable("stop", "--stop", "TEXT"),
    _field("chat", is_flag=True, flag_value=True),
    _field("metrics", callback=words, metavar="NAME,..."),
    _repeatable("checkpoints", "--checkpoints", "FOLDER"),
    _field("dropout", type=int, metavar="N"),
    _field("dtype"),
    _field("device"),
    _field("threads", type=int),
    _field("cache_bytes", type=int),
)


@click.command(name="diagnose")
@_recipe_options
@click.option(
    "--human", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.csv", help="write a sheet of steps for people to rate"
)
@click.option("--steps", type=click.IntRange(min=10), default=SHEET_STEPS, show_default=True, help="steps of that sheet")
@click.option(
    "--ratings", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="IN.csv", help="a filled sheet; repeatable"
)
@click.option("--run-code", is_flag=True, help="run the programs that the model writes, each in a limited process of its own")
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the findings as JSON")
def command(
    human: Path | None,
    steps: int,
    ratings: tuple[Path, ...],
    run_code: bool,
    trust_remote_code: bool,
    out: Path,
    as_json: bool,
    **flags: Any,
) -> None:
    """Is entropy a good proxy for confidence on a model and a task, and do the policies act where they should?

    On dev prompts: measures of confidence against right tokens of the references, and against the quality of the model's own texts;
    calibration; where each policy cools; and failure signatures, each with advice. Stopped at any moment, the same command goes on where it
    was.
    """
    diagnosis, engine, load = _prepare(_recipe(flags), trust_remote_code, run_code)
    recipe = diagnosis.recipe
    say(f"{recipe.model} on {diagnosis.task}: {len(diagnosis.examples)} dev prompts, {len(recipe.decoded)} policies")
    with opened(diagnosis, out) as (writer, reader):
        DiagnosisSession(diagnosis=diagnosis, engine=engine, load=load, writer=writer, reader=reader, watch=watch, warn=warn).run()
        if human:
            beside = write(human, pick(reader, steps=steps), reader=reader, writer=writer, engine=engine)
            say(f"the sheet: {human}; what its raters must know: {beside}")
        _keep_ratings(ratings, reader, writer)
        findings = find_diagnosis(reader, run_code=run_code)
    _print(findings, as_json)
    from edt_sampling.cli.report import write as draw

    say(f"the page: {draw(findings, diagnosis.folder(out) / 'report.html')}")


def _recipe(flags: dict[str, Any]) -> DiagnosisRecipe:
    data = flags.pop("data")
    if data is not None and flags["task"] is not None:
        raise click.UsageError("--data and --task say the same thing: give one of them")
    flags["task"] = data if data is not None else flags["task"]
    return diagnosis_recipe(**{name: (list(value) or None) if isinstance(value, tuple) else value for name, value in flags.items()})


def _prepare(recipe: DiagnosisRecipe, trust_remote_code: bool, run_code: bool) -> tuple[Diagnosis, Any, Callable[[str], Any]]:
    """The diagnosis, its engine, and how a checkpoint's is loaded; what can be refused before the model is loaded is."""
    from edt_sampling.engines import load_engine
    from edt_sampling.tasks import load_task

    dev = load_task(recipe.task, split="dev", fresh=recipe.fresh)
    if dev.notice:
        say(dev.notice)
    recipe = recipe.model_copy(update={"metrics": recipe.metrics or list(dev.metrics)})
    metrics = measures(recipe.metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads)
    check(metrics, dev.examples(recipe.limit))
    for metric in metrics:
        if metric.reads == "checks" and (missing := metric.unenforced()):
            warn(f"the model's programs run here without a limit on {', '.join(missing)}")

    def load(model: str) -> Any:
        return load_engine("transformers", model=model, trust_remote_code=trust_remote_code, **recipe.engine_options)

    engine = load(recipe.model)
    return make_diagnosis(recipe, dev=dev, model_fingerprint=engine.fingerprint), engine, load


def _keep_ratings(files: tuple[Path, ...], reader: Reader, writer: Writer) -> None:
    """Reads filled sheets; where one has mistakes, each is told in a line, and nothing of any sheet is kept."""
    names = [path.stem for path in files]
    if len(set(names)) < len(names):
        twice = max(names, key=names.count)
        raise ValueError(f"ratings: each file is one rater's and called after it, and two are called {twice!r}: rename one")
    read = [(path, *read_sheet(path, reader.steps())) for path in files]
    mistakes = [line for *_, found in read for line in found]
    for line in mistakes:
        say(f"edt: {line}")
    if mistakes:
        raise ValueError(f"ratings: {len(mistakes)} mistakes, so nothing was kept: mend them and give the same command")
    for path, ratings, _ in read:
        writer.keep_ratings(path.stem, ratings)
        say(f"ratings of {path.stem}: {len(ratings)} steps")


def _print(findings: DiagnosisFindings, as_json: bool) -> None:
    from edt_sampling.reports.diagnose_table import as_json as plain
    from edt_sampling.reports.diagnose_table import render

    if as_json:
        click.echo(json.dumps(plain(findings), ensure_ascii=False))
    else:
        show(render(findings))
