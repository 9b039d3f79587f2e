"""What a step costs in transformers: its own temperature against our processor, alone and with its top-p and draw behind them.

Random float32 logits, medians of 15 calls in one process, milliseconds; the two take turns.

    python benchmarks/transformers_step.py [--threads N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TemperatureLogitsWarper, TopPLogitsWarper

from edt_sampling.engines.transformers import PolicyLogitsProcessor


def milliseconds(calls: Sequence[Callable[[], Any]], rounds: int = 15) -> list[float]:
    """The median time of each call; they take turns, and the first round is left out."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for own, call in zip(times, calls, strict=True):
            start = time.perf_counter()
            call()
            own.append(time.perf_counter() - start)
    return [1000 * statistics.median(own[1:]) for own in times]


def measure(rows: int, vocabulary: int) -> list[float]:
    logits = torch.randn(rows, vocabulary) * 3
    ids: Any = torch.zeros(rows, 1, dtype=torch.long)
    temperature, policy, top_p = TemperatureLogitsWarper(0.8), PolicyLogitsProcessor("edt:t0=0.8,theta=0.2"), TopPLogitsWarper(0.95)

    def step(processor: Any) -> Any:
        return torch.multinomial(torch.softmax(top_p(ids, processor(ids, logits)), -1), 1)

    return milliseconds(
        [lambda: temperature(ids, logits), lambda: policy(ids, logits), lambda: step(temperature), lambda: step(policy)],
        rounds=15 if rows * vocabulary < 1 << 21 else 5,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    torch.set_num_threads(parser.parse_args().threads)
    print("| rows | words | its temperature | ours | whole step, its temperature | whole step, ours |\n|---|---|---|---|---|---|")
    for vocabulary in (4096, 128_256):
        for rows in (1, 8, 64):
            print(f"| {rows} | {vocabulary:,} | " + " | ".join(f"{t:.2f}" for t in measure(rows, vocabulary)) + " |")


if __name__ == "__main__":
    main()
