"""A whole grid of settings at once, against ``model.generate`` once per setting: times, ratios, and whether the texts agree.

Both sides run the same model, prompts, settings, filters and random numbers in one process, by turns; the table's seconds are
medians of ``--repeats`` turns. The slow side is transformers' own ``generate`` with ``num_return_sequences`` samples and our draw
inside it, so that the texts can be compared; ``--plain`` also times it with transformers' own sampling (multinomial).

    python benchmarks/grid.py [--model FOLDER] [--threads N] [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from edt_sampling.engines.transformers import TransformersEngine, load, policy_generate
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import Filters

FILTERS = "temperature,top_p=0.95"
SAMPLES, NEW_TOKENS = 5, 48
TEXT = "Return the sum of the elements of an array along the given axis, ignoring those that are not numbers. "


def grid(size: int) -> tuple[Setting, ...]:
    """``size`` settings: half fixed temperatures, half EDT."""
    fixed = [f"fixed:temperature={0.3 + 0.8 * i / size:.3f}" for i in range(size - size // 2)]
    dynamic = [f"edt:t0={0.6 + 0.6 * i / size:.3f},theta={0.1 * 2 ** (i % 6):.2f}" for i in range(size // 2)]
    return tuple(Setting(policy=policy(s), filters=Filters.parse(FILTERS)) for s in fixed + dynamic)


def per_setting(engine: TransformersEngine, request: Request) -> list[list[int]]:
    """``generate`` once per setting, samples as return sequences."""
    ids = torch.tensor([engine.tokenizer(request.prompt)["input_ids"]])
    found = []
    for setting in request.settings:
        out = engine.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            custom_generate=policy_generate,
            policy=setting.policy,
            filters=setting.filters,
            seed=request.seed,
            request=request.id,
            num_return_sequences=request.samples,
            do_sample=True,
            max_new_tokens=request.max_new_tokens,
        )
        found.extend(out[:, ids.shape[1] :].tolist())
    return found


def per_setting_plain(engine: TransformersEngine, request: Request) -> None:
    """The same with transformers' own sampling at a fixed temperature: what people run today."""
    ids = torch.tensor([engine.tokenizer(request.prompt)["input_ids"]])
    for _ in request.settings:
        engine.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            num_return_sequences=request.samples,
            do_sample=True,
            temperature=0.7,
            top_p=0.95,
            top_k=0,
            max_new_tokens=request.max_new_tokens,
        )


def at_once(engine: TransformersEngine, request: Request) -> list[list[int]]:
    (completions,) = engine.generate([request])
    return [c.trace.tokens.tolist() for c in completions]


def agreement(ours: list[list[int]], theirs: list[list[int]]) -> float:
    """The share of texts that are equal; what generate pads behind the end does not count."""
    return statistics.mean(a == b[: len(a)] for a, b in zip(ours, theirs, strict=True))


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def measure(engine: TransformersEngine, *, prompt_tokens: int, settings: int, repeats: int) -> dict[str, Any]:
    words = engine.tokenizer(TEXT * 35)["input_ids"][:prompt_tokens]
    request = Request(
        id=11,
        prompt=engine.tokenizer.decode(words),
        settings=grid(settings),
        samples=SAMPLES,
        max_new_tokens=NEW_TOKENS,
    )
    runs: dict[str, list[float]] = {"grid": [], "generate": [], "plain": []}
    for _ in range(repeats):
        once, ours = seconds(lambda: at_once(engine, request))
        each, theirs = seconds(lambda: per_setting(engine, request))
        plain, _ = seconds(lambda: per_setting_plain(engine, request))
        for name, value in (("grid", once), ("generate", each), ("plain", plain)):
            runs[name].append(value)
    median = {name: statistics.median(values) for name, values in runs.items()}
    return {
        "prompt_tokens": prompt_tokens,
        "settings": settings,
        "rows": settings * SAMPLES,
        **{f"{name}_s": round(value, 3) for name, value in median.items()},
        "ratio": round(median["generate"] / median["grid"], 2),
        "ratio_plain": round(median["plain"] / median["grid"], 2),
        "equal_texts": round(agreement(ours, theirs), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    engine = load(model=arguments.model, threads=arguments.threads)
    load_now = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {arguments.threads} threads, torch {torch.__version__}, load {load_now:.1f}")
    if load_now > (os.cpu_count() or 1):
        print("the machine is busy: times and ratios below mislead")
    print(
        f"{'prompt':>7} {'settings':>8} {'rows':>5} {'grid s':>8} {'generate s':>10} {'ratio':>6} {'plain s':>8} {'ratio':>6} {'equal':>6}"
    )
    rows = []
    for prompt_tokens in (50, 200, 800):
        for settings in (5, 25):
            row = measure(engine, prompt_tokens=prompt_tokens, settings=settings, repeats=arguments.repeats)
            rows.append(row)
            print(
                f"{row['prompt_tokens']:7} {row['settings']:8} {row['rows']:5} {row['grid_s']:8.2f} {row['generate_s']:10.2f} "
                f"{row['ratio']:6.1f} {row['plain_s']:8.2f} {row['ratio_plain']:6.1f} {row['equal_texts']:6.1%}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
