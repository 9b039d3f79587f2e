"""``edt harness``: tasks of lm-evaluation-harness under several policies, on the same documents."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edt_sampling.cli.output import say, show
from edt_sampling.policies import policy as read_policy


def _parts(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def _seeds(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _parts(context, parameter, value))
    except ValueError:
        raise click.BadParameter(f"expected whole numbers split by commas, got {value!r}") from None


@click.command(name="harness")
@click.option("--tasks", required=True, callback=_parts, metavar="NAME,...", help="generation tasks of the harness, or YAML files")
@click.option("--policy", "specs", multiple=True, required=True, metavar="SPEC", help="repeatable; the first fixed one is the baseline")
@click.option("--model", default="bundled", show_default=True, help="a folder, a hub id, or bundled")
@click.option("--filters", default="temperature,top_p=0.95", show_default=True, help="the sampler's steps in order; none: no filters")
@click.option("--limit", type=click.IntRange(min=1), help="documents of each task, at most; default: all")
@click.option("--num-fewshot", type=click.IntRange(min=0), help="examples before each document; default: the task's own")
@click.option("--include-path", type=click.Path(exists=True, file_okay=False), help="a folder with tasks of your own, as YAML")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="texts for each document and seed")
@click.option("--seeds", default="0", show_default=True, callback=_seeds, metavar="0,1,...", help="random seeds, each with its own texts")
@click.option("--batch-size", type=click.IntRange(min=1), default=8, show_default=True, help="documents that decode together")
@click.option("--chat", is_flag=True, help="put each document through the model's chat template")
@click.option("--dtype", default="auto", show_default=True, help="auto, float32, bfloat16 or float16")
@click.option("--device", help="cpu, cuda, ...; default: cuda where there is one")
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--run-code", is_flag=True, help="allow tasks that run the model's programs: the harness runs them without limits")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
@click.option("--json", "as_json", is_flag=True, help="print the scores as JSON")
def command(specs: tuple[str, ...], out: Path, seeds: tuple[int, ...], repeats: int, run_code: bool, as_json: bool, **given: Any) -> None:
    """Run tasks of lm-evaluation-harness under several policies, and print each metric with its difference to the first fixed temperature.

    Every policy answers the same documents with the same random numbers. Stopped at any moment, the same command goes on after the last
    pass (one policy over all documents) that was done.
    """
    from edt_sampling.harness.rivals import baseline, scores

    policies = list(dict.fromkeys(str(read_policy(spec)) for spec in specs))
    baseline(policies)
    bench = _bench(out, run_code, **given)
    passes: list[Any] = []
    for number, found in enumerate(bench.run(policies, seeds=seeds, repeats=repeats), 1):
        say(f"pass {number} of {len(policies) * len(seeds) * repeats}: {found.policy}, seed {found.seed}, {found.seconds:.0f} s")
        passes.append(found)
    results = scores(passes)
    plain = json.dumps({**bench.describe(), "model_name": given["model"], "scores": [asdict(score) for score in results]}, indent=1)
    (bench.folder / "scores.json").write_text(plain + "\n", encoding="utf-8")
    _print(results, plain if as_json else None)
    say(f"every text, and these scores: {bench.folder}")


def _bench(
    out: Path, run_code: bool, *, model: str, batch_size: int, dtype: str, device: str | None, trust_remote_code: bool, **asked: Any
) -> Any:
    """The model beside the tasks; a task that is nowhere is refused before the model is loaded."""
    try:
        from edt_sampling.harness.model import EdtLM
        from edt_sampling.harness.passes import Asked, Bench, task_manager
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("edt_sampling"):
            raise
        raise ImportError(f"edt harness needs {error.name}: pip install 'edt-sampling[harness]'") from None
    wanted = Asked(**asked)
    manager = task_manager(wanted)
    loaded = EdtLM(model, batch_size=batch_size, dtype=dtype, device=device, trust_remote_code=trust_remote_code)
    return Bench(loaded, wanted, manager, out, run_code=run_code)


def _print(results: list[Any], plain: str | None) -> None:
    from edt_sampling.harness.table import render

    if plain is not None:
        click.echo(plain)
        return
    show(render(results))
