"""What a step of sampling costs: transformers' temperature, softmax and multinomial; our processor; our draw, fixed and EDT.

Random float32 logits, medians of 15 calls in one process, milliseconds.

    python benchmarks/draw.py [--threads N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from edt_sampling.engines.transformers import PolicyLogitsProcessor
from edt_sampling.policies import policy
from edt_sampling.sampling import Filters
from edt_sampling.sampling import torch as backend

EDT, FIXED = "edt:t0=0.8,theta=0.2", "fixed:temperature=0.8"


def milliseconds(call: Callable[[], Any], calls: int = 15) -> float:
    """The median time of a call, the first one left out."""
    call()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def measure(rows: int, vocabulary: int) -> list[float]:
    logits = torch.randn(rows, vocabulary) * 3
    ids, uniform = torch.zeros(rows, 1, dtype=torch.long), torch.full((rows,), 0.5, dtype=torch.float64)
    processor = PolicyLogitsProcessor(EDT)
    fixed, edt = (backend.mixture([policy(spec)] * rows, like=logits) for spec in (FIXED, EDT))
    return [
        milliseconds(lambda: torch.multinomial(torch.softmax(logits / 0.8, -1), 1)),
        milliseconds(lambda: processor(ids, logits)),
        milliseconds(lambda: backend.draw(logits, fixed, uniform=uniform)),
        milliseconds(lambda: backend.draw(logits, edt, uniform=uniform)),
        milliseconds(lambda: backend.draw(logits, edt, uniform=uniform, filters=Filters.parse("top_p=0.95"))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    torch.set_num_threads(parser.parse_args().threads)
    print("| rows | words | multinomial | processor | draw, fixed | draw, EDT | draw, EDT, top-p 0.95 |\n|---|---|---|---|---|---|---|")
    for rows, vocabulary in ((1, 4096), (8, 4096), (1, 128_256), (8, 128_256)):
        print(f"| {rows} | {vocabulary:,} | " + " | ".join(f"{t:.2f}" for t in measure(rows, vocabulary)) + " |")


if __name__ == "__main__":
    main()
