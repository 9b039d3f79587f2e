"""What a draw costs on a CUDA device, side by side in one run: plain temperature draws of others, and ours, fixed and EDT.

Random logits of deviation 3. Medians of CUDA events over calls on inputs that take turns, up to 256 MiB of them. The first ratio is to a
copy of the logits on the device, which reads them and writes as much; the second to the fastest plain temperature draw of the shape.
vLLM's and FlashInfer's kernels take part where they are installed. Prints markdown.

    python -m benchmarks.gpu [--rows 1,8,64,512] [--words 32000,128256,262144] [--calls 50]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

T0 = 0.8
TURNS = 1 << 28
"""Bytes of logits that take turns: more than a device's cache holds, where the rows are many."""
Call = Callable[[Tensor], Any]


def plain(rows: int, device: torch.device) -> dict[str, Call]:
    """Draws at one temperature, as others make them."""
    t = torch.full((rows,), T0, device=device)
    calls: dict[str, Call] = {
        "torch softmax + multinomial": lambda x: torch.multinomial(torch.softmax(x.float() / T0, -1), 1),
        "torch exponential race": lambda x: race(x.float() / T0),
    }
    if find_spec("vllm"):
        from vllm.v1.worker.gpu.sample.gumbel import gumbel_sample

        index, seeds = torch.arange(rows, dtype=torch.int32, device=device), torch.arange(rows, dtype=torch.int64, device=device)
        calls["vLLM gumbel_sample"] = lambda x: gumbel_sample(x, index, t, seeds, seeds, apply_temperature=True, is_drafting=False)
    if find_spec("flashinfer"):
        from flashinfer.sampling import sampling_from_logits

        calls["FlashInfer sampling_from_logits"] = lambda x: sampling_from_logits(x.float() / T0)
    return calls


def race(logits: Tensor) -> Tensor:
    """The draw of vLLM's first sampler, gpt-fast and others: the first of exponential clocks to ring."""
    p = torch.softmax(logits, -1)
    return (p / torch.empty_like(p).exponential_()).argmax(-1)


def truncated(rows: int, device: torch.device) -> dict[str, Call]:
    """The same with top-p 0.95, as others make them."""
    calls: dict[str, Call] = {}
    if find_spec("flashinfer"):
        from flashinfer.sampling import top_p_sampling_from_probs

        calls["FlashInfer softmax + top-p"] = lambda x: top_p_sampling_from_probs(torch.softmax(x.float() / T0, -1), 0.95)
    if find_spec("vllm"):
        from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

        p = torch.full((rows,), 0.95, device=device)
        calls["vLLM top-p + race"] = lambda x: race(apply_top_k_top_p(x.float() / T0, None, p))
    return calls


def ours(rows: int, device: torch.device) -> dict[str, Call]:
    """Fixed and EDT, by every kernel."""
    from edt_sampling import policy
    from edt_sampling.sampling import Filters, gumbel, triton
    from edt_sampling.sampling import torch as backend

    like = torch.empty(rows, 1, device=device)
    fixed, edt = (backend.mixture([policy(spec)] * rows, like=like) for spec in (f"fixed:temperature={T0}", f"edt:t0={T0},theta=0.2"))
    u = torch.rand(rows, dtype=torch.float64, device=device)
    key = torch.from_numpy(gumbel.noise_keys(0, np.arange(rows), 0, 1)[:, 0].view(np.int64)).to(device)
    top_p = Filters.parse("top_p=0.95")
    return {
        "our Fixed": lambda x: triton.draw(x, fixed, uniform=u),
        "our EDT": lambda x: triton.draw(x, edt, uniform=u),
        "our Fixed, one pass": lambda x: triton.gumbel_draw(x, fixed, key=key),
        "our EDT, one pass": lambda x: triton.gumbel_draw(x, edt, key=key),
        "our EDT, top-p 0.95": lambda x: triton.draw(x, edt, uniform=u, filters=top_p),
        "our EDT, scaling in place": lambda x: triton.temper_(x, edt),  # last, because it changes what the others would read
    }


def microseconds(call: Call, inputs: list[Tensor], *, calls: int) -> tuple[float, float]:
    """The median time of a call on the device and the middle half's spread, inputs by turns; the first calls, which compile, left out."""
    for x in inputs[:3]:
        call(x)
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(calls)]
    for number, (start, end) in enumerate(events):
        start.record()
        call(inputs[number % len(inputs)])
        end.record()
    torch.cuda.synchronize()
    times = sorted(1000 * start.elapsed_time(end) for start, end in events)
    return statistics.median(times), times[3 * calls // 4] - times[calls // 4]


def graphed(call: Call, inputs: list[Tensor]) -> Call | None:
    """The call as a CUDA graph for each input, replayed; None for what cannot be captured."""
    graphs: dict[int, torch.cuda.CUDAGraph] = {}
    try:
        for x in inputs:
            call(x)
            torch.cuda.synchronize()
            graphs[x.data_ptr()] = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graphs[x.data_ptr()]):
                call(x)
    except RuntimeError:
        torch.cuda.synchronize()
        return None
    return lambda x: graphs[x.data_ptr()].replay()


def table(rows: int, words: int, dtype: torch.dtype, *, calls: int) -> list[str]:
    """The markdown lines of one shape."""
    device, each = torch.device("cuda"), rows * words * dtype.itemsize
    inputs = [torch.randn(rows, words, device=device).mul_(3).to(dtype) for _ in range(max(2, min(calls, TURNS // each)))]
    spare = torch.empty_like(inputs[0])
    copy, _ = microseconds(spare.copy_, inputs, calls=calls)
    others, found = plain(rows, device), {}
    for name, call in (others | truncated(rows, device) | ours(rows, device)).items():
        median, spread = microseconds(call, inputs, calls=calls)
        replayed = graphed(call, inputs)
        found[name] = (median, spread, microseconds(replayed, inputs, calls=calls)[0] if replayed else None)
    best = {name: min(median, graph or median) for name, (median, _, graph) in found.items()}
    fastest = min(best[name] for name in others)
    lines = []
    for name, (median, spread, graph) in found.items():
        captured = "-" if graph is None else f"{graph:.1f}"
        lines.append(f"| {name} | {median:.1f} | {spread:.1f} | {captured} | {best[name] / copy:.2f} | {best[name] / fastest:.2f} |")
    bandwidth = 2 * each / copy / 1e3
    head = f"\n{rows} x {words:,}, {str(dtype).removeprefix('torch.')}; a copy takes {copy:.1f} µs ({bandwidth:,.0f} GB/s)\n"
    return [head, "| draw | µs | ± | µs, CUDA graph | of a copy | of the fastest plain |", "|---|---|---|---|---|---|", *lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", default="1,8,64,512")
    parser.add_argument("--words", default="32000,128256,262144")
    parser.add_argument("--calls", type=int, default=50)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("benchmarks.gpu needs a CUDA device, and torch finds none here: run it where torch.cuda.is_available()")
    if not find_spec("triton"):
        sys.exit("benchmarks.gpu needs Triton: pip install triton")
    versions = [f"{name} {__import__(name).__version__}" for name in ("torch", "triton", "vllm", "flashinfer") if find_spec(name)]
    print(f"{torch.cuda.get_device_name()}, {', '.join(versions)}")
    for dtype in (torch.bfloat16, torch.float32):
        for words in map(int, asked.words.split(",")):
            for rows in map(int, asked.rows.split(",")):
                print("\n".join(table(rows, words, dtype, calls=asked.calls)), flush=True)


if __name__ == "__main__":
    main()
