"""A whole grid of settings at once, against ``model.generate`` once per setting: times, ratios, and whether the texts agree.

Both sides run the same model, prompts, settings, filters and random numbers. The slow side is transformers' own ``generate`` with
``num_return_sequences`` samples: with our draw inside it, so that the texts can be compared, and with its own sampling.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.table import Table, busy_note, timed, times
from edt_sampling.engines.transformers import TransformersEngine, load, policy_generate
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import Filters

TITLE = "a grid of settings"
FILTERS = "temperature,top_p=0.95"
SAMPLES, NEW_TOKENS = 5, 48
TEXT = "Return the sum of the elements of an array along the given axis, ignoring those that are not numbers. "
SIZES = {(50, 5): 3, (200, 5): 3, (800, 5): 1, (200, 25): 1, (800, 25): 1}
"""Rounds by the prompt's tokens and the number of settings; the large ones take long enough for one."""


def measure(bench: Bench) -> Iterator[Case]:
    engine = load(model="bundled", threads=bench.threads)
    for (prompt_tokens, settings), rounds in {(200, 5): 1}.items() if bench.quick else SIZES.items():
        request = asked(engine, prompt_tokens=prompt_tokens, settings=settings)
        short = replace(request, settings=request.settings[:1], max_new_tokens=2)
        found: dict[str, list[list[int]]] = {}
        for call in (at_once, per_setting, per_setting_plain):
            call(engine, short)  # warms; a round is too long to be left out
        calls = {
            "grid": lambda r=request, f=found: f.update(ours=at_once(engine, r)),
            "generate, our draw": lambda r=request, f=found: f.update(theirs=per_setting(engine, r)),
            "generate": lambda r=request: per_setting_plain(engine, r),
        }
        case = bench.case({"prompt_tokens": prompt_tokens, "settings": settings}, calls, rounds=rounds)
        yield replace(case, facts={"equal": agreement(found["ours"], found["theirs"])})


def asked(engine: TransformersEngine, *, prompt_tokens: int, settings: int) -> Request:
    words = engine.tokenizer(TEXT * 35)["input_ids"][:prompt_tokens]
    return Request(id=11, prompt=engine.tokenizer.decode(words), settings=grid(settings), samples=SAMPLES, max_new_tokens=NEW_TOKENS)


def grid(size: int) -> tuple[Setting, ...]:
    """``size`` settings: half fixed temperatures, half EDT."""
    fixed = [f"fixed:temperature={0.3 + 0.8 * i / size:.3f}" for i in range(size - size // 2)]
    dynamic = [f"edt:t0={0.6 + 0.6 * i / size:.3f},theta={0.1 * 2 ** (i % 6):.2f}" for i in range(size // 2)]
    return tuple(Setting(policy=policy(s), filters=Filters.parse(FILTERS)) for s in fixed + dynamic)


def at_once(engine: TransformersEngine, request: Request) -> list[list[int]]:
    (completions,) = engine.generate([request])
    return [c.trace.tokens.tolist() for c in completions]


def per_setting(engine: TransformersEngine, request: Request) -> list[list[int]]:
    """``generate`` once per setting, samples as return sequences."""
    ids = torch.tensor([engine.tokenizer(request.prompt)["input_ids"]])
    found: list[list[int]] = []
    for setting in request.settings:
        out: Any = engine.model.generate(
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


def agreement(ours: list[list[int]], theirs: list[list[int]]) -> float:
    """The share of texts that are equal; what generate pads behind the end does not count."""
    return statistics.mean(a == b[: len(a)] for a, b in zip(ours, theirs, strict=True))


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = (
        "prompt tokens",
        "settings",
        "rows",
        "grid, s",
        "`generate` with our draw, s",
        "ratio",
        "`generate`, s",
        "ratio",
        "equal texts",
    )
    rows = [
        (
            str(case.labels["prompt_tokens"]),
            str(case.labels["settings"]),
            str(case.labels["settings"] * SAMPLES),
            timed(case.seconds("grid"), 1),
            timed(case.seconds("generate, our draw"), 1),
            times(case.ratio("generate, our draw", "grid")),
            timed(case.seconds("generate"), 1),
            times(case.ratio("generate", "grid")),
            f"{case.facts['equal']:.1%}",
        )
        for case in cases
    ]
    return [Table(columns, tuple(rows), notes=busy_note(cases))]
