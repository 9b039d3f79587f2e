"""Tempering, for an engine that draws itself: transformers' temperature, our processor and ``temper_`` in place, beside a softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import TemperatureLogitsWarper

from benchmarks.bench import Bench
from benchmarks.draw import NUMBERS
from benchmarks.logits import noise
from benchmarks.record import Case
from benchmarks.shapes import EDT, FIXED, LLAMA, TEMPERATURE
from benchmarks.side_by_side import Contender
from benchmarks.table import Table, side_by_side_table
from edt_sampling.engines.transformers import PolicyLogitsProcessor
from edt_sampling.policies import policy
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.torch_tempering import temper_

TITLE = "tempering for engines that draw themselves"
SHAPES = [(rows, 4096) for rows in (1, 8, 64)] + [(rows, LLAMA) for rows in (1, 8, 64)]


def measure(bench: Bench) -> Iterator[Case]:
    for numbers in NUMBERS:
        for rows, words in [(1, LLAMA), (8, LLAMA)] if bench.quick or numbers == "bfloat16" else SHAPES:
            given = noise(rows, words).to(NUMBERS[numbers])
            yield bench.case({"rows": rows, "words": words, "numbers": numbers}, contenders(given))


def contenders(given: Tensor) -> dict[str, Contender | Callable[[], Any]]:
    """By the name that the tables use; what works in place gets a fresh copy each time."""
    rows, own = len(given), torch.empty_like(given)
    ids: Any = torch.zeros(rows, 1, dtype=torch.long)
    today = TemperatureLogitsWarper(TEMPERATURE)
    processors = [PolicyLogitsProcessor(spec) for spec in (FIXED, EDT)]
    mixtures = [backend.mixture([policy(spec)] * rows, like=given) for spec in (FIXED, EDT)]
    return {
        "today": lambda: today(ids, given),  # pyright: ignore[reportArgumentType]
        "Fixed": lambda: processors[0](ids, given),
        "EDT": lambda: processors[1](ids, given),
        "in place, Fixed": Contender(lambda logits: temper_(logits, mixtures[0]), before=lambda: own.copy_(given)),
        "in place, EDT": Contender(lambda logits: temper_(logits, mixtures[1]), before=lambda: own.copy_(given)),
        "softmax": lambda: torch.softmax(given, dim=-1),
    }


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = {
        "its temperature, ms": "today",
        "processor, Fixed": "Fixed",
        "processor, EDT": "EDT",
        "in place, Fixed": "in place, Fixed",
        "in place, EDT": "in place, EDT",
        "softmax": "softmax",
    }
    ratios = {
        "processor EDT / softmax": ("EDT", "softmax"),
        "in place EDT / softmax": ("in place, EDT", "softmax"),
        "EDT / Fixed": ("EDT", "Fixed"),
    }
    labels = {"rows": "rows", "words": "words", "numbers": "numbers"}
    return [side_by_side_table(cases, labels=labels, columns=columns, ratios=ratios, cpu=("today", "Fixed", "EDT"))]
