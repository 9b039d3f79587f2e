"""A draw: transformers' path, ours at a fixed temperature, ours with EDT, and two passes of exponentials below which none can go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

import edt_sampling
from benchmarks import logits as kinds
from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.shapes import EDT, FIXED, LLAMA, NOISE
from benchmarks.table import Table, side_by_side_table, where
from benchmarks.today import FILTERS, floor, step
from edt_sampling.policies import policy
from edt_sampling.sampling import Filters
from edt_sampling.sampling import torch as backend

TITLE = "a draw"
NUMBERS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PLAIN = [(rows, 4096) for rows in (1, 8, 32, 64)] + [(rows, 32_000) for rows in (1, 8, 64)]
PLAIN += [(rows, LLAMA) for rows in (1, 8, 32, 64)] + [(1, 151_936), (32, 151_936), (1, 262_144), (8, 262_144)]
FILTERED = [(8, 4096), (8, 32_000), (1, LLAMA), (8, LLAMA), (32, 151_936)]
Shape = tuple[str, int, int, str, str]
"""Filters, rows, words, numbers, kind of logits."""


def shapes(quick: bool) -> list[Shape]:
    """What is measured: all sizes without filters, fewer in bfloat16, with filters, and at given entropies."""
    noise, names = NOISE, [name for name in FILTERS if name != "none"]
    if quick:
        short: list[Shape] = [("none", rows, LLAMA, numbers, noise) for numbers in NUMBERS for rows in (1, 8)]
        return [*short, *((name, rows, LLAMA, "float32", noise) for name in names for rows in (1, 8))]
    found: list[Shape] = [("none", rows, words, "float32", noise) for rows, words in PLAIN]
    found += [("none", rows, LLAMA, "bfloat16", noise) for rows in (1, 8, 32, 64)]
    found += [("none", 32, 151_936, "bfloat16", noise), ("none", 8, 262_144, "bfloat16", noise)]
    found += [(name, rows, words, "float32", noise) for name in names for rows, words in FILTERED]
    found += [(name, rows, LLAMA, "bfloat16", noise) for name in names for rows in (1, 8)]
    peaked = [f"H = {entropy:g}" for entropy in kinds.ENTROPIES]
    return found + [(name, rows, LLAMA, "float32", kind) for name in ("none", "top-p") for rows in (1, 8) for kind in peaked]


def measure(bench: Bench) -> Iterator[Case]:
    for filters, rows, words, numbers, kind in shapes(bench.quick):
        given = _logits(rows, words, kind).to(NUMBERS[numbers])
        labels = {"filters": filters, "rows": rows, "words": words, "numbers": numbers, "logits": kind}
        yield bench.case(labels, contenders(given, filters), seconds=3)


def contenders(given: Tensor, filters: str) -> dict[str, Callable[[], Any]]:
    """By the name that the tables use."""
    rows, steps = len(given), Filters.parse(FILTERS[filters])
    uniform = torch.full((rows,), 0.5, dtype=torch.float64)
    fixed, edt = (backend.mixture([policy(spec)] * rows, like=given) for spec in (FIXED, EDT))
    numbers = uniform.tolist()
    return {
        "today": step(given, filters),
        "Fixed": lambda: backend.draw(given, fixed, uniform=uniform, filters=steps),
        "EDT": lambda: backend.draw(given, edt, uniform=uniform, filters=steps),
        "edt.sample": lambda: edt_sampling.sample(given, EDT, uniform=numbers, filters=FILTERS[filters]),
        "floor": floor(given),
    }


def _logits(rows: int, words: int, kind: str) -> Tensor:
    return kinds.noise(rows, words) if kind == NOISE else kinds.peaked(rows, words, entropy=float(kind.partition("= ")[2]))


RATIOS = {
    "today / EDT": ("today", "EDT"),
    "today / edt.sample": ("today", "edt.sample"),
    "EDT / Fixed": ("EDT", "Fixed"),
    "EDT / floor": ("EDT", "floor"),
}
COLUMNS = {"today, ms": "today", "our Fixed, ms": "Fixed", "our EDT, ms": "EDT", "edt.sample, ms": "edt.sample", "floor, ms": "floor"}


def tables(cases: Sequence[Case]) -> list[Table]:
    return [
        _table(where(cases, filters="none", logits=NOISE), "Without filters:", "rows", "words", "numbers"),
        _table(where(cases, filters=lambda f: f != "none", logits=NOISE), "With filters:", "filters", "rows", "words", "numbers"),
        *(
            [_table(steep, "Logits that fall as a model's do, H in nats, 128,256 words, float32:", "logits", "filters", "rows")]
            if (steep := where(cases, logits=lambda kind: kind != NOISE))
            else []
        ),
    ]


def _table(cases: Sequence[Case], above: str, *labels: str) -> Table:
    return side_by_side_table(
        cases,
        labels={name: name for name in labels},
        columns=COLUMNS,
        ratios=RATIOS,
        cpu=("today", "Fixed", "EDT"),
        above=above,
    )
