"""A step in MLX: mlx-lm's own temperature, with and without top-p, and ours in both forms. Log-probabilities in, tokens evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mlx.core as mx
from mlx_lm.sample_utils import make_sampler

from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.shapes import EDT, FIXED, LLAMA, TEMPERATURE
from benchmarks.table import Table, side_by_side_table
from edt_sampling.engines.mlx import PolicySampler, decoding

TITLE = "a step in MLX"
SHAPES = [(rows, words) for words in (4096, LLAMA) for rows in (1, 8)]
FILTERS: dict[str, dict[str, Any]] = {"none": {}, "top-p": {"top_p": 0.95}}


def measure(bench: Bench) -> Iterator[Case]:
    for name, options in FILTERS.items():
        for rows, words in SHAPES[2:] if bench.quick else SHAPES:
            labels = {"filters": name, "rows": rows, "words": words, "device": str(mx.default_device())}
            yield bench.case(labels, contenders(rows, words, options), threads=1)


def contenders(rows: int, words: int, options: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """By the name that the tables use; MLX is lazy, so each evaluates its tokens."""
    mx.random.seed(0)
    logits = mx.random.normal((rows, words)) * 3
    logprobs = _normalised(logits)
    mx.eval(logits, logprobs)
    own = make_sampler(temp=TEMPERATURE, **options)
    filters = ",".join(["temperature", *(f"{name}={value}" for name, value in options.items())])
    samplers = {"today": own, "Fixed": PolicySampler(FIXED, filters=filters), "EDT": PolicySampler(EDT, filters=filters)}
    with_processor = decoding(EDT, **options)
    (processor,) = with_processor["logits_processors"]
    calls = {name: lambda sampler=sampler: mx.eval(sampler(logprobs)) for name, sampler in samplers.items()}
    return calls | {"processor, EDT": lambda: mx.eval(with_processor["sampler"](_normalised(processor(logprobs, logits))))}


def _normalised(logits: mx.array) -> mx.array:
    """What mlx-lm does between processors and sampler."""
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = {"mlx-lm, ms": "today", "our Fixed, ms": "Fixed", "our EDT, ms": "EDT", "processor and mlx-lm's draw": "processor, EDT"}
    ratios = {"today / EDT": ("today", "EDT"), "EDT / Fixed": ("EDT", "Fixed")}
    labels = {name: name for name in ("filters", "rows", "words")}
    above = f"On {cases[0].labels['device']}:"
    return [side_by_side_table(cases, labels=labels, columns=columns, ratios=ratios, cpu=("today", "Fixed", "EDT"), above=above)]
