"""A step in transformers' own ``generate``: its temperature against our processor, each with its top-p, softmax and draw behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from benchmarks.bench import Bench
from benchmarks.logits import noise
from benchmarks.record import Case
from benchmarks.shapes import EDT, FIXED, LLAMA, TEMPERATURE
from benchmarks.table import Table, side_by_side_table
from edt_sampling.engines.transformers import PolicyLogitsProcessor

TITLE = "a step in transformers"
SHAPES = [(rows, words) for words in (4096, LLAMA) for rows in (1, 8)]


def measure(bench: Bench) -> Iterator[Case]:
    for rows, words in SHAPES[2:] if bench.quick else SHAPES:
        yield bench.case({"rows": rows, "words": words}, contenders(rows, words))


def contenders(rows: int, words: int) -> dict[str, Callable[[], Any]]:
    """By the name that the tables use."""
    given, top_p = noise(rows, words), TopPLogitsWarper(0.95)
    ids: Any = torch.zeros(rows, 1, dtype=torch.long)

    def step(processor: Any) -> Callable[[], Any]:
        return lambda: torch.multinomial(torch.softmax(top_p(ids, processor(ids, given)), dim=-1), num_samples=1)

    processors = {"today": TemperatureLogitsWarper(TEMPERATURE), "Fixed": PolicyLogitsProcessor(FIXED), "EDT": PolicyLogitsProcessor(EDT)}
    return {name: step(processor) for name, processor in processors.items()}


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = {"its temperature, ms": "today", "our Fixed": "Fixed", "our EDT": "EDT"}
    ratios = {"EDT / today": ("EDT", "today"), "EDT / Fixed": ("EDT", "Fixed")}
    labels = {"rows": "rows", "words": "words"}
    return [side_by_side_table(cases, labels=labels, columns=columns, ratios=ratios, cpu=("today", "Fixed", "EDT"))]
