"""For tests alone: vLLM 0.32.0's Python code on a CPU, from the wheel that is built for CUDA.

The wheel holds no kernels for CPUs; what a Llama in float32 needs of them is here in plain PyTorch, under the names that vLLM calls. It
is tied to 0.32.0 and refuses any other version. Set ``EDT_VLLM_CPU_SHIM=1``, ``VLLM_TARGET_DEVICE=cpu`` and, for the V2 runner,
``TRITON_INTERPRET=1``; then call ``plugin``, or name it in an entry point of the group ``vllm.general_plugins``, which vLLM calls in each
of its processes.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from itertools import pairwise

import torch
from torch import Tensor

VERSION = "0.32.0"


def plugin() -> None:
    """Puts the kernels in place; nothing where ``EDT_VLLM_CPU_SHIM`` is not 1."""
    if os.environ.get("EDT_VLLM_CPU_SHIM") != "1":
        return
    if not version("vllm").startswith(VERSION):
        raise RuntimeError(f"the tests' CPU shim is tied to vLLM {VERSION}, got {version('vllm')}: run the tests on a GPU without it")
    for name, kernel in KERNELS.items():
        if not hasattr(torch.ops._C, name):
            setattr(torch.ops._C, name, kernel)
    _place_slot_mapping()
    _without_triton_top_p()
    if os.environ.get("TRITON_INTERPRET") == "1":
        _cast_masks()
        _place_host_buffers()


def _place_slot_mapping() -> None:
    """vLLM's own stand-in for this Triton kernel passes its arguments to the C++ kernel, whose order is another."""
    from vllm.utils import cpu_triton_utils

    names = (
        "num_tokens", "max_num_tokens", "query_start_loc_ptr", "positions_ptr",
        "block_table_ptr", "block_table_stride", "slot_mapping_ptr", "KV_CACHE_BLOCK_SIZE",
    )  # fmt: skip

    def stand_in(*args, **named):
        given = dict(zip(names, args, strict=False)) | named
        tensors = (given[name] for name in ("query_start_loc_ptr", "positions_ptr", "block_table_ptr", "slot_mapping_ptr"))
        slot_mapping(*tensors, given["KV_CACHE_BLOCK_SIZE"])

    cpu_triton_utils._compute_slot_mapping_kernel_impl = stand_in


def _without_triton_top_p() -> None:
    from vllm.v1.sample.ops import topk_topp_sampler

    topk_topp_sampler.HAS_TRITON = False


def _place_host_buffers() -> None:
    """As vLLM's own worker for CPUs does when it starts: without it, the V2 runner's parts ask for pinned memory."""
    from vllm.v1.worker.cpu.buffer_utils import UvaBuffer
    from vllm.v1.worker.gpu import buffer_utils

    buffer_utils.UvaBuffer = UvaBuffer


def _cast_masks() -> None:
    """Triton's interpreter refuses a mask that is computed from whole numbers, as two kernels of vLLM have it."""
    from triton.runtime.interpreter import InterpreterBuilder as Builder

    load, store = Builder.create_masked_load, Builder.create_masked_store
    Builder.create_masked_load = lambda self, ptrs, mask, *rest: load(self, ptrs, _boolean(mask), *rest)
    Builder.create_masked_store = lambda self, ptrs, value, mask, *rest: store(self, ptrs, value, _boolean(mask), *rest)


def _boolean(mask):
    mask.data = mask.data.astype(bool)
    return mask


def slot_mapping(starts: Tensor, positions: Tensor, block_table: Tensor, slots: Tensor, block_size: int) -> None:
    """Where each token's keys and values go: ``slots`` ``[tokens]``, -1 behind the last."""
    bounds = starts.tolist()
    for request, (first, last) in enumerate(pairwise(bounds)):
        position = positions[first:last].long()
        blocks = block_table[request].long()[position // block_size]
        slots[first:last] = (blocks * block_size + position % block_size).to(slots.dtype)
    slots[bounds[-1] :] = -1


def store(key, value, key_cache, value_cache, slots, *_) -> None:
    """Writes keys and values ``[tokens, heads, head]`` into caches ``[blocks, heads, block_size, head]``."""
    kept = slots >= 0
    block, offset = (part[kept] for part in (slots.long() // key_cache.size(2), slots.long() % key_cache.size(2)))
    key_cache[block, :, offset] = key[: len(slots)][kept].to(key_cache.dtype)
    value_cache[block, :, offset] = value[: len(slots)][kept].to(value_cache.dtype)


def attend(query, key_cache, value_cache, out, starts, lengths, scale, causal, _alibi, _window, block_table, *_) -> None:
    """Attention of each request's new tokens over its cache, in float32."""
    bounds = starts.tolist()
    for request, length in enumerate(lengths.tolist()[: len(bounds) - 1]):
        first, last = bounds[request : request + 2]
        if first == last:
            continue
        blocks = block_table[request, : -(-length // key_cache.size(2))].long()
        keys, values = (_unpaged(cache, blocks, length, query.size(1)) for cache in (key_cache, value_cache))
        scores = torch.einsum("thd,hsd->hts", query[first:last].float(), keys) * scale
        if causal:
            position = torch.arange(length - (last - first), length)[:, None]
            scores = scores.masked_fill(torch.arange(length) > position, -torch.inf)
        mixed = torch.einsum("hts,hsd->thd", scores.softmax(-1), values)
        out[first:last] = mixed.reshape(out[first:last].shape).to(out.dtype)


def _unpaged(cache: Tensor, blocks: Tensor, length: int, heads: int) -> Tensor:
    """``[heads, length, head]`` of a request, each of the cache's heads repeated for the query heads that share it."""
    rows = cache[blocks].permute(1, 0, 2, 3).reshape(cache.size(1), -1, cache.size(3))[:, :length]
    return rows.repeat_interleave(heads // cache.size(1), 0).float()


def gumbel(logits: Tensor, seeds: Tensor) -> Tensor:
    """A token a row from softmax(logits), by exponential noise under the row's seed."""
    noise = torch.stack([torch.empty_like(row).exponential_(generator=_seeded(seed)) for row, seed in zip(logits, seeds, strict=True)])
    return (logits.softmax(-1) / noise).argmax(-1)


def _seeded(seed: Tensor) -> torch.Generator:
    return torch.Generator().manual_seed(int(seed))


KERNELS = {
    "init_cpu_memory_env": lambda _: "shim",
    "greedy_argmax": lambda logits: logits.argmax(-1).view(-1),
    "compute_slot_mapping_kernel_impl": slot_mapping,
    "get_scheduler_metadata": lambda *_: torch.empty(0, dtype=torch.int8),
    "cpu_attn_reshape_and_cache": store,
    "cpu_attention_with_kv_cache": attend,
    "cpu_attn_has_isa": lambda _: False,
    "fused_gumbel_argmax": gumbel,
}
