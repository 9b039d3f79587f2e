"""``edt cost``: time and memory of settings, by turns on the same prompts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from edt_sampling.cli.output import show
from edt_sampling.cli.progress import shown
from edt_sampling.experiments.comparison import request_id
from edt_sampling.experiments.cost import Cost, Measured, costs, measure
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling.filters import Filters

POLICIES = ("fixed:temperature=0.7", "edt:t0=0.8,theta=0.2", "kl-guided:t0=1,bandwidth=1")


@click.command(name="cost")
@click.option("--policy", "specs", multiple=True, default=POLICIES, show_default=True, metavar="SPEC", help="repeatable; the first is 1")
@click.option("--model", default="bundled", show_default=True, help="a folder, a hub id, or bundled")
@click.option("--task", default="docstrings-summary", show_default=True, help="a task that edt tasks lists, or a .jsonl file")
@click.option("--limit", type=click.IntRange(2), default=30, show_default=True, help="dev prompts")
@click.option("--samples", type=click.IntRange(1), default=8, show_default=True, help="texts that decode together")
@click.option("--filters", default="temperature,top_p=0.95", show_default=True, help="the sampler's steps in order; none: no filters")
@click.option("--max-new-tokens", type=click.IntRange(1), default=48, show_default=True, help="longest text, in tokens")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="equal seeds give equal texts")
@click.option("--dtype", default="auto", show_default=True, help="auto, float32, bfloat16 or float16")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, ...")
@click.option("--threads", type=int, help="CPU threads")
@click.option("--json", "as_json", is_flag=True, help="print the costs as JSON, with what they were measured on")
def command(specs: tuple[str, ...], task: str, limit: int, as_json: bool, **options: Any) -> None:
    """What does a setting cost? Seconds a token and the cache's bytes, beside the first setting's.

    Each setting decodes alone, by turns on the same dev prompts, so that whatever else this machine does meets all of them. Stopped, it
    tells of the prompts that are done.
    """
    from edt_sampling.engines import load_engine
    from edt_sampling.tasks import load_task

    samples = options["samples"]
    filters = Filters.parse(options["filters"])
    settings = tuple(Setting(policy=policy(spec), filters=filters) for spec in specs)
    engine: Any = load_engine("transformers", **{name: options[name] for name in ("model", "dtype", "device", "threads")})
    requests = [
        Request(
            id=request_id(example.id),
            prompt=example.prompt,
            without=example.without,
            settings=settings,
            samples=samples,
            seed=options["seed"],
            max_new_tokens=options["max_new_tokens"],
        )
        for example in load_task(task, split="dev").examples(limit)
    ]
    for request in requests:
        engine.check(request)
    found = _measured(engine, requests)
    _print(costs(settings, found, samples=samples), engine, task=task, prompts=len(found), samples=samples, as_json=as_json)


def _measured(engine: Any, requests: list[Request]) -> list[list[Measured]]:
    """What was measured of each prompt, as far as it came."""
    found: list[list[Measured]] = []

    def units() -> Any:
        for unit, measured in enumerate(measure(engine, requests)):
            found.append(measured)
            yield unit

    try:
        for _ in shown(units(), done=0, total=len(requests)):
            pass
    except KeyboardInterrupt:
        if len(found) < 2:
            raise
        click.echo(f"edt: stopped at {len(found)} of {len(requests)} prompts", err=True)
    return found


def _print(found: list[Cost], engine: Any, *, task: str, prompts: int, samples: int, as_json: bool) -> None:
    from edt_sampling.reports.cost import render

    if as_json:
        told = {"task": task, "prompts": prompts, "samples": samples, "engine": engine.describe(), "costs": [asdict(c) for c in found]}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    show(render(found, prompts=prompts, samples=samples))
