"""A step in llama.cpp's own chain: its fixed temperature, its dynamic temperature, and ours, each with its draw.

The whole of ``llama_sampler_sample``: the candidates are filled from the context's logits, sampled, accepted. The context is that of a
model of one tiny random layer, written for the purpose; its head gives logits of standard deviation 3 over the vocabulary.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gguf
import llama_cpp
import numpy as np
from llama_cpp._internals import LlamaModel

from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.shapes import EDT, FIXED, LLAMA, TEMPERATURE
from benchmarks.table import Table, side_by_side_table
from edt_sampling.engines.llama_cpp.context import Context, hushed
from edt_sampling.engines.llama_cpp.sampler import DrawingSampler, PolicySampler

TITLE = "a step in llama.cpp's chain"
NEEDS = "llama_cpp"
WORDS = (4096, 32_000, LLAMA, 262_144)
WIDTH = 32


def _dist() -> Any:
    return llama_cpp.llama_sampler_init_dist(1)


CHAINS: dict[str, Callable[[], list[Any]]] = {
    "temp + dist": lambda: [llama_cpp.llama_sampler_init_temp(TEMPERATURE), _dist()],
    "temp_ext + dist": lambda: [llama_cpp.llama_sampler_init_temp_ext(TEMPERATURE, 0.2, 1.0), _dist()],
    "Fixed + dist": lambda: [PolicySampler(FIXED).native(), _dist()],
    "EDT + dist": lambda: [PolicySampler(EDT).native(), _dist()],
    "Fixed": lambda: [DrawingSampler(FIXED, seed=1).native()],
    "EDT": lambda: [DrawingSampler(EDT, seed=1).native()],
}
"""The chains that are timed, by the name that tables and targets use: native samplers, the last of which draws."""


def measure(bench: Bench) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        for words in (LLAMA,) if bench.quick else WORDS:
            context = _context(Path(folder), words)
            chains = {name: chain(make()) for name, make in CHAINS.items()}
            yield bench.case({"words": words}, {name: _step(native, context) for name, native in chains.items()}, threads=1)
            for native in chains.values():
                llama_cpp.llama_sampler_free(native)
            with hushed():
                del context


def _step(native: Any, context: Context) -> Callable[[], int]:
    return lambda: llama_cpp.llama_sampler_sample(native, context.native, -1)


def chain(samplers: list[Any]) -> Any:
    """A native chain of these samplers, which frees them."""
    native = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    for sampler in samplers:
        llama_cpp.llama_sampler_chain_add(native, sampler)
    return native


def _context(folder: Path, words: int) -> Context:
    """A context that holds the logits of one token."""
    file = folder / f"{words}.gguf"
    write_model(file, words)
    with hushed():
        model = LlamaModel(path_model=str(file), params=llama_cpp.llama_model_default_params(), verbose=False)
    context = Context(model, cells=32, sequences=1, cache=int(gguf.GGMLQuantizationType.F32), threads=1)
    one = np.zeros(1, np.int32)
    found = context.decode(one, positions=one, sequences=one, wanted=np.ones(1, np.int8))
    if not 1 < found.std() < 9:
        raise RuntimeError(f"the random model's logits have standard deviation {found.std():.2f}, about 3 was meant")
    return context


def write_model(file: Path, words: int) -> None:
    """A Llama of one layer with random weights and no tokenizer, as GGUF."""
    rng, writer = np.random.default_rng(0), gguf.GGUFWriter(file, "llama")
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(words)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH)
    for name, shape, scale in _tensors(words):
        writer.add_tensor(name, (rng.normal(size=shape) * scale).astype(np.float32) if scale else np.ones(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(words: int) -> Iterator[tuple[str, tuple[int, ...], float]]:
    """Name, shape and standard deviation of each tensor, 0 for ones; behind the last norm a row has length sqrt(WIDTH)."""
    yield "token_embd.weight", (words, WIDTH), 1.0
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        yield f"blk.0.{name}.weight", (WIDTH, WIDTH), 0.1
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        yield f"{name}.weight", (WIDTH,), 0.0
    yield "output.weight", (words, WIDTH), 3 / WIDTH**0.5


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = {f"{name}, ms": name for name in CHAINS}
    ratios = {
        "temp + dist / EDT": ("temp + dist", "EDT"),
        "temp_ext + dist / EDT": ("temp_ext + dist", "EDT"),
        "EDT / Fixed": ("EDT", "Fixed"),
    }
    return [side_by_side_table(cases, labels={"words": "words"}, columns=columns, ratios=ratios, cpu=("temp + dist", "Fixed", "EDT"))]
