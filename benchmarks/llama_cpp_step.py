"""What a step of sampling costs in llama.cpp's chain: its own temperature, its dynamic temperature, EDT of ours; each with its draw.

Random float32 logits, every row through a chain of its own, one thread; of 15 passes over all rows the fastest, milliseconds of CPU time a
row. The draw alone stands in its own column. Filling the candidates is not counted.

    OMP_NUM_THREADS=1 python benchmarks/llama_cpp_step.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import llama_cpp
import numpy as np

from edt_sampling.engines.llama_cpp.candidates import Candidates
from edt_sampling.engines.llama_cpp.sampler import PolicySampler

PASSES = 15
SHAPES = [(rows, vocabulary) for vocabulary in (4096, 128_256) for rows in (1, 8, 64)]
TEMPERATURES: dict[str, Callable[[], list[Any]]] = {
    "dist alone": lambda: [],
    "temp": lambda: [llama_cpp.llama_sampler_init_temp(0.8)],
    "temp_ext": lambda: [llama_cpp.llama_sampler_init_temp_ext(0.8, 0.2, 1.0)],
    "EDT": lambda: [PolicySampler("edt:t0=0.8,theta=0.2").native()],
    "instance-edt-running": lambda: [PolicySampler("instance-edt-running:t0=0.8,theta=0.2").native()],
    "udt-varentropy": lambda: [PolicySampler("udt-varentropy:t0=0.8,theta=0.2").native()],
}


def chain(samplers: list[Any]) -> Any:
    """A native chain of these samplers and a draw."""
    native = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for sampler in (*samplers, llama_cpp.llama_sampler_init_dist(1)):
        llama_cpp.llama_sampler_chain_add(native, sampler)
    return native


def milliseconds(make: Callable[[], list[Any]], logits: np.ndarray) -> float:
    """The time a row of the fastest pass."""
    chains = [chain(make()) for _ in logits]
    times = [sum(one(native, row) for native, row in zip(chains, logits, strict=True)) for _ in range(PASSES)]
    for native in chains:
        llama_cpp.llama_sampler_free(native)
    return 1000 * min(times) / len(logits)


def one(native: Any, logits: np.ndarray) -> float:
    """Seconds of CPU time of one step of one row, its token accepted."""
    candidates = Candidates(logits)
    start = time.thread_time()
    llama_cpp.llama_sampler_apply(native, candidates.array)
    llama_cpp.llama_sampler_accept(native, candidates.drawn)
    return time.thread_time() - start


def main() -> None:
    rng = np.random.default_rng(0)
    print("| rows | words | " + " | ".join(TEMPERATURES) + " |\n|---|---|" + "---|" * len(TEMPERATURES))
    for rows, vocabulary in SHAPES:
        logits = (rng.normal(size=(rows, vocabulary)) * 3).astype(np.float32)
        found = [milliseconds(make, logits) for make in TEMPERATURES.values()]
        print(f"| {rows} | {vocabulary:,} | " + " | ".join(f"{t:.3f}" for t in found) + " |", flush=True)


if __name__ == "__main__":
    main()
