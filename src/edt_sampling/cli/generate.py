"""``edt generate``: text with every token coloured by its temperature."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from edt_sampling.policies import policy as read_policy
from edt_sampling.protocol import Completion, Request, Setting
from edt_sampling.sampling.filters import Filters

DEMO = "the bundled model is a small demo that writes documentation; --model names your own"


@click.command(name="generate")
@click.argument("prompt", required=False)
@click.option("--file", type=click.File("r", encoding="utf-8"), help="read the prompt from a file")
@click.option(
    "--evidence", metavar="TEXT", help="the part of the prompt that holds the source, for kl-guided: it decodes beside the prompt without"
)
@click.option("--model", default="bundled", show_default=True, help="a folder, a hub id, or bundled")
@click.option("--engine", "engine_name", default="transformers", show_default=True, help="what runs it, as in edt compare")
@click.option("--base-url", metavar="URL", help="engine openai: where the server is")
@click.option("--policy", "specs", multiple=True, default=["edt:t0=0.8,theta=0.2"], show_default=True, metavar="SPEC", help="repeatable")
@click.option("--filters", default="temperature,top_p=0.95", show_default=True, help="the sampler's steps in order; none: no filters")
@click.option("--samples", default=1, show_default=True, help="texts for each policy")
@click.option("--seed", default=0, show_default=True, help="equal seeds give equal texts")
@click.option("--max-new-tokens", default=64, show_default=True, help="longest text, in tokens")
@click.option("--stop", multiple=True, metavar="TEXT", help="a string that ends the text; repeatable")
@click.option("--chat", is_flag=True, help="put the prompt through the model's chat template")
@click.option("--dtype", help="float32, bfloat16 or float16  [default: the engine's choice]")
@click.option("--device", help="cpu, cuda, ...  [default: the engine's choice]")
@click.option("--threads", type=int, help="CPU threads")
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--json", "as_json", is_flag=True, help="a JSON object a line, with H, T and p of every token")
def command(
    prompt: str | None,
    file: Any,
    evidence: str | None,
    specs: tuple[str, ...],
    filters: str,
    samples: int,
    seed: int,
    max_new_tokens: int,
    stop: tuple[str, ...],
    as_json: bool,
    engine_name: str,
    **engine_options: Any,
) -> None:
    """Generate text from PROMPT, from --file, or from standard input."""
    settings = tuple(Setting(policy=read_policy(s), filters=Filters.parse(filters)) for s in specs)
    text = _prompt(prompt, file)
    request = Request(
        id=0,
        prompt=text,
        without=_without(text, evidence, settings),
        settings=settings,
        samples=samples,
        seed=seed,
        max_new_tokens=max_new_tokens,
        stop=stop,
    )
    engine = _engine(engine_name, engine_options)
    if engine_options["model"] == "bundled":
        click.echo(f"edt: {DEMO}", err=True)
    completions = next(engine.generate([request]))
    if as_json:
        for completion in completions:
            pieces = engine.pieces(completion.trace.tokens) if engine.observes else None
            click.echo(json.dumps(_record(completion, request, pieces), ensure_ascii=False))
    else:
        _show(completions, request, engine)


def _engine(name: str, options: dict[str, Any]) -> Any:
    from edt_sampling.engines import load_engine

    return load_engine(name, **{option: value for option, value in options.items() if value not in (None, False)})


def _prompt(prompt: str | None, file: Any) -> str:
    if prompt is not None and file is not None:
        raise click.UsageError("PROMPT and --file say the same thing: give one of them")
    if prompt is None and file is None and sys.stdin.isatty():
        raise click.UsageError("no prompt: give PROMPT, --file, or text on standard input")
    text = prompt if prompt is not None else (file or sys.stdin).read()
    if not text.strip():
        source = "PROMPT" if prompt is not None else Path(file.name).name if file else "standard input"
        raise ValueError(f"the prompt from {source} is empty")
    return text


def _without(prompt: str, evidence: str | None, settings: tuple[Setting, ...]) -> str | None:
    """The prompt without its evidence, where that is given."""
    if evidence is None:
        guided = [s.policy.name for s in settings if "kl" in s.policy.needs]
        if guided:
            raise click.UsageError(f"policy {guided[0]} compares the prompt with itself without its source: give --evidence")
        return None
    if not evidence or evidence not in prompt:
        raise click.UsageError(f"evidence must stand in the prompt word for word, got {evidence[:60]!r}")
    return prompt.replace(evidence, "", 1)


def _show(completions: list[Completion], request: Request, engine: Any) -> None:
    from edt_sampling.reports.tokens import legend, trace

    console = Console(highlight=False)
    hottest = max((float(c.trace.temperature.max(initial=0.0)) for c in completions), default=0.0) if engine.observes else None
    for completion in completions:
        title = f"{request.settings[completion.setting]}" + (f"  sample {completion.sample}" if request.samples > 1 else "")
        console.print(title, style="dim", markup=False)
        taken = completion.trace
        if hottest is None:
            console.print(completion.text, markup=False)
        else:
            console.print(trace(engine.pieces(taken.tokens), taken.entropy, taken.temperature, hottest=hottest))
    if hottest is not None:
        console.print(legend(hottest))


def _record(completion: Completion, request: Request, pieces: list[str] | None) -> dict[str, Any]:
    """What is known of a text; ``tokens`` is null where the engine shows texts alone."""
    setting, taken = request.settings[completion.setting], completion.trace
    tokens = (
        None
        if pieces is None
        else [
            {"id": int(i), "text": piece, "H": round(float(h), 4), "T": round(float(t), 4), "p": round(float(p), 4)}
            for i, piece, h, t, p in zip(taken.tokens, pieces, taken.entropy, taken.temperature, taken.probability, strict=True)
        ]
    )
    return {
        "policy": str(setting.policy),
        "filters": str(setting.filters),
        "sample": completion.sample,
        "text": completion.text,
        "finish": completion.finish,
        "tokens": tokens,
    }
