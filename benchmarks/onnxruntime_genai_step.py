"""What a step of sampling costs in ONNX Runtime GenAI: its own temperature and top-p, ours ahead of its draw, and our draw.

A random model of one small layer, exported for each vocabulary; what is timed begins where a step's logits are there and ends where its
tokens are drawn. Medians of 11 steps in one process, milliseconds of CPU time, one thread; 32 rows are GenAI's most.

    python benchmarks/onnxruntime_genai_step.py
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime_genai as og
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from edt_sampling.engines.onnxruntime_genai import PolicyTemper, export
from edt_sampling.policies import policy
from edt_sampling.sampling import Filters, reference

EDT = "edt:t0=0.8,theta=0.2"
STEPS = 12


def exported(folder: Path, vocabulary: int) -> Any:
    """The model, with the bundled tokenizer, which is never asked."""
    shape = LlamaConfig(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1,
        head_dim=32, max_position_embeddings=128, bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    model = LlamaForCausalLM(shape)
    with torch.no_grad():
        model.get_output_embeddings().weight.normal_(std=3 / 32**0.5)
    model.save_pretrained(folder / "torch")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(str(files("edt_sampling") / "models" / "docs-6m" / name), folder / "torch")
    config = og.Config(str(export(str(folder / "torch"), out=folder / "onnx")))
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": 1}}}}))  # waiting threads spin
    return og.Model(config)


def milliseconds(model: Any, rows: int, step: Callable[[Any], Any], *, draws: bool = True, **options: Any) -> float:
    """The median time of ``step`` and, where GenAI ``draws``, of its draw; the first step left out."""
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(batch_size=rows, max_length=100, random_seed=0, **options)
    generator = og.Generator(model, parameters)
    generator.append_tokens(np.full((rows, 2), 5, dtype=np.int32))
    times: list[float] = []
    for _ in range(STEPS):
        generator.get_logits()
        start = time.process_time()
        step(generator)
        if draws:
            generator.generate_next_token()
        times.append(time.process_time() - start)
        if not draws:
            generator.generate_next_token()
    return 1000 * statistics.median(times[1:])


def measure(model: Any, rows: int, vocabulary: int) -> list[float]:
    own = {"do_sample": True, "temperature": 0.8, "top_k": 0}
    behind = {"do_sample": True, "temperature": 1.0, "top_k": 0}
    mixture, uniform = reference.mixture([policy(EDT)] * rows), np.full(rows, 0.5)

    def draw(filters: str) -> Callable[[Any], Any]:
        return lambda generator: reference.draw(generator.get_logits()[:, -1], mixture, uniform=uniform, filters=Filters.parse(filters))

    temper, temper_top_p = PolicyTemper(EDT), PolicyTemper(EDT)
    return [
        milliseconds(model, rows, lambda _: None, **own),
        milliseconds(model, rows, temper, **behind),
        milliseconds(model, rows, draw("temperature"), draws=False, do_sample=False),
        milliseconds(model, rows, lambda _: None, **(own | {"top_p": 0.95, "top_k": vocabulary})),
        milliseconds(model, rows, temper_top_p, **(behind | {"top_p": 0.95, "top_k": vocabulary})),
        milliseconds(model, rows, draw("top_p=0.95"), draws=False, do_sample=False),
    ]


def main() -> None:
    logging.disable_progress_bar()
    print(f"onnxruntime-genai {og.__version__}")
    print("| rows | words | GenAI | PolicyTemper | our draw | GenAI, top-p | PolicyTemper, top-p | our draw, top-p |")
    print("|---|---|---|---|---|---|---|---|")
    for vocabulary in (4096, 128_256):
        with tempfile.TemporaryDirectory() as folder:
            model = exported(Path(folder), vocabulary)
            for rows in (1, 8, 32):
                print(f"| {rows} | {vocabulary:,} | " + " | ".join(f"{t:.2f}" for t in measure(model, rows, vocabulary)) + " |", flush=True)


if __name__ == "__main__":
    main()
