"""What a step of sampling costs in MLX: mlx-lm's own temperature, with and without top-p, and ours in both forms.

Random float32 log-probabilities, evaluated; medians of 9 calls in one process, milliseconds of CPU time.

    python benchmarks/mlx_step.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx_lm.sample_utils import make_sampler

from edt_sampling.engines.mlx import PolicyLogitsProcessor, PolicySampler, decoding

EDT = "edt:t0=0.8,theta=0.2"


def milliseconds(call: Callable[[], mx.array], calls: int = 9) -> float:
    """The median CPU time of a call, the first one left out."""
    mx.eval(call())
    times: list[float] = []
    for _ in range(calls):
        start = time.process_time()
        mx.eval(call())
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


def measure(rows: int, vocabulary: int) -> list[float]:
    logits = mx.random.normal((rows, vocabulary)) * 3
    logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    mx.eval(logits, logprobs)
    own, own_top_p = make_sampler(temp=0.8), make_sampler(temp=0.8, top_p=0.95)
    processor: Any = PolicyLogitsProcessor(EDT)
    sampler, sampler_top_p = PolicySampler(EDT), PolicySampler(EDT, filters="top_p=0.95")
    options = decoding(EDT, top_p=0.95)
    return [
        milliseconds(lambda: own(logprobs)),
        milliseconds(lambda: sampler(logprobs)),
        milliseconds(lambda: own(_normalised(processor(logprobs, logits)))),
        milliseconds(lambda: own_top_p(logprobs)),
        milliseconds(lambda: sampler_top_p(logprobs)),
        milliseconds(lambda: options["sampler"](_normalised(options["logits_processors"][0](logprobs, logits)))),
    ]


def _normalised(logits: mx.array) -> mx.array:
    """What mlx-lm does between processors and sampler."""
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


def main() -> None:
    print(f"mlx {mx.__version__}, {mx.default_device()}")
    print("| rows | words | mlx-lm | sampler | processor | mlx-lm, top-p | sampler, top-p | processor, top-p |")
    print("|---|---|---|---|---|---|---|---|")
    for vocabulary in (4096, 128_256):
        for rows in (1, 8, 64):
            print(f"| {rows} | {vocabulary:,} | " + " | ".join(f"{t:.2f}" for t in measure(rows, vocabulary)) + " |", flush=True)


if __name__ == "__main__":
    main()
