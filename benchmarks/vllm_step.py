"""What the plug-in adds to a step of vLLM, beside what vLLM's own temperature and top-p take.

Every row has a policy, and every call a fresh copy of the logits. On the GPU where there is one, else on the CPU, where vLLM's PyTorch
top-p stands in for its Triton one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p, apply_top_k_top_p_pytorch
from vllm.v1.sample.sampler import Sampler

from benchmarks.bench import Bench
from benchmarks.logits import noise
from benchmarks.record import Case
from benchmarks.shapes import LLAMA, TEMPERATURE
from benchmarks.side_by_side import Contender
from benchmarks.table import Table, side_by_side_table
from edt_sampling.engines.vllm import EDTLogitsProcessor

TITLE = "a step in vLLM"
ON_A_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_A_GPU else "cpu")
EDT, FIXED = {"edt": "edt:theta=0.2"}, {"edt": f"fixed:temperature={TEMPERATURE}"}


def measure(bench: Bench) -> Iterator[Case]:
    for words in (LLAMA,) if bench.quick else (4096, LLAMA):
        for rows in (1, 8) if bench.quick else (1, 8, 64):
            yield bench.case({"rows": rows, "words": words, "device": DEVICE.type}, contenders(rows, words))


def contenders(rows: int, words: int) -> dict[str, Contender]:
    """By the name that the tables use."""
    logits = noise(rows, words).to(DEVICE)
    own = torch.empty_like(logits)
    temperature, top_p = (torch.full((rows,), value, device=DEVICE) for value in (TEMPERATURE, 0.95))
    truncate = apply_top_k_top_p if ON_A_GPU else apply_top_k_top_p_pytorch

    def fresh() -> torch.Tensor:
        own.copy_(logits)
        _wait()
        return own

    def timed(step: Callable[[torch.Tensor], Any]) -> Contender:
        return Contender(lambda given: (step(given), _wait()), before=fresh)

    return {
        "today": timed(lambda given: Sampler.apply_temperature(given, temperature, True)),
        "top-p": timed(lambda given: truncate(given, None, top_p)),
        "no policy": timed(v1(rows, None)),
        "Fixed": timed(v1(rows, FIXED)),
        "EDT": timed(v1(rows, EDT)),
        "EDT, V2": timed(v2(rows)),
    }


def _wait() -> None:
    if ON_A_GPU:
        torch.cuda.synchronize()


def v1(rows: int, fields: dict[str, Any] | None) -> Callable[[torch.Tensor], Any]:
    processor = EDTLogitsProcessor(object(), DEVICE, ON_A_GPU)
    added = [(row, SamplingParams(temperature=TEMPERATURE, extra_args=fields), None, []) for row in range(rows)]
    processor.update_state(BatchUpdate(batch_size=rows, removed=[], added=added, moved=[]))
    return processor.apply


def v2(rows: int) -> Callable[[torch.Tensor], Any]:
    processor = EDTLogitsProcessor(object(), SimpleNamespace(max_num_reqs=rows, device=DEVICE))
    for slot in range(rows):
        processor.add_request(slot, SamplingParams(temperature=TEMPERATURE, extra_args=EDT))
    processor.apply_staged_writes()
    ctx = SimpleNamespace(idx_mapping_np=np.arange(rows), expanded_idx_mapping=torch.arange(rows, dtype=torch.int32, device=DEVICE))
    return lambda logits: processor.apply(logits, ctx)


def tables(cases: Sequence[Case]) -> list[Table]:
    names = {"its temperature, ms": "today", "its top-p": "top-p", "no policy": "no policy", "Fixed, V1": "Fixed", "EDT, V1": "EDT"}
    columns = names | {"EDT, V2": "EDT, V2"}
    ratios = {"EDT / Fixed": ("EDT", "Fixed")}
    above = f"On {cases[0].labels['device']}:"
    labels = {"rows": "rows", "words": "words"}
    return [side_by_side_table(cases, labels=labels, columns=columns, ratios=ratios, cpu=("today", "Fixed", "EDT"), above=above)]
