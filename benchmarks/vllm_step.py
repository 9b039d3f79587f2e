"""What the plug-in adds to a step of vLLM, beside what vLLM's own temperature and top-p take.

Random float32 logits, every row with a policy, medians of 9 calls in one process, milliseconds; on the GPU where there is one, else on the
CPU, where vLLM's PyTorch top-p stands in for its Triton one.

    python benchmarks/vllm_step.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p, apply_top_k_top_p_pytorch
from vllm.v1.sample.sampler import Sampler

from edt_sampling.engines.vllm import EDTLogitsProcessor

ON_A_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_A_GPU else "cpu")
FIELDS = {"edt": "edt:theta=0.2"}


def milliseconds(call: Callable[[torch.Tensor], Any], logits: torch.Tensor, calls: int = 9) -> float:
    """The median time of a call on a fresh copy of the logits, the first one left out."""
    times, own = [], torch.empty_like(logits)
    for _ in range(calls + 1):
        own.copy_(logits)
        wait()
        start = time.perf_counter()
        call(own)
        wait()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def wait() -> None:
    if ON_A_GPU:
        torch.cuda.synchronize()


def v1(rows: int, fields: dict[str, Any] | None) -> Callable[[torch.Tensor], Any]:
    processor = EDTLogitsProcessor(object(), DEVICE, ON_A_GPU)
    added = [(row, SamplingParams(temperature=0.8, extra_args=fields), None, []) for row in range(rows)]
    processor.update_state(BatchUpdate(batch_size=rows, removed=[], added=added, moved=[]))
    return processor.apply


def v2(rows: int) -> Callable[[torch.Tensor], Any]:
    processor = EDTLogitsProcessor(object(), SimpleNamespace(max_num_reqs=rows, device=DEVICE))
    for slot in range(rows):
        processor.add_request(slot, SamplingParams(temperature=0.8, extra_args=FIELDS))
    processor.apply_staged_writes()
    ctx = SimpleNamespace(idx_mapping_np=np.arange(rows), expanded_idx_mapping=torch.arange(rows, dtype=torch.int32, device=DEVICE))
    return lambda logits: processor.apply(logits, ctx)


def measure(rows: int, vocabulary: int) -> list[float]:
    logits = torch.randn(rows, vocabulary, device=DEVICE) * 3
    own, top_p = (torch.full((rows,), value, device=DEVICE) for value in (0.8, 0.95))
    truncate = apply_top_k_top_p if ON_A_GPU else apply_top_k_top_p_pytorch
    return [
        milliseconds(lambda x: Sampler.apply_temperature(x, own, True), logits),
        milliseconds(lambda x: truncate(x, None, top_p), logits),
        milliseconds(v1(rows, None), logits),
        milliseconds(v1(rows, FIELDS), logits),
        milliseconds(v2(rows), logits),
    ]


def main() -> None:
    print("| rows | words | vLLM's temperature | vLLM's top-p | no policy | EDT, V1 | EDT, V2 |\n|---|---|---|---|---|---|---|")
    for vocabulary in (4096, 128_256):
        for rows in (1, 8, 64):
            print(f"| {rows} | {vocabulary:,} | " + " | ".join(f"{t:.3f}" for t in measure(rows, vocabulary)) + " |")


if __name__ == "__main__":
    main()
