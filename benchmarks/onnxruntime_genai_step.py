"""A step in ONNX Runtime GenAI: its own temperature and top-p, ours ahead of its draw, and our draw.

A random model of one small layer, exported for each vocabulary; what is timed begins where a step's logits are there and ends where its
tokens are drawn.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime_genai as og
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.shapes import EDT, FIXED, LLAMA, TEMPERATURE
from benchmarks.side_by_side import Contender
from benchmarks.table import Table, side_by_side_table
from edt_sampling.engines.onnxruntime_genai import PolicyTemper, export
from edt_sampling.policies import policy
from edt_sampling.sampling import Filters
from edt_sampling.sampling.dispatch import numpy_backend

TITLE = "a step in ONNX Runtime GenAI"
ROOM = 100
"""Tokens that a generator is made for; it is made again once it is full."""


def measure(bench: Bench) -> Iterator[Case]:
    logging.disable_progress_bar()
    for words in (LLAMA,) if bench.quick else (4096, LLAMA):
        with tempfile.TemporaryDirectory() as folder:
            model = exported(Path(folder), words)
            for filters in ("none", "top-p"):
                for rows in (1,) if bench.quick else (1, 8):
                    yield bench.case({"filters": filters, "rows": rows, "words": words}, contenders(model, rows, words, filters), threads=1)


def exported(folder: Path, words: int) -> Any:
    """The model, with the bundled tokenizer, which is never asked."""
    shape: Any = LlamaConfig(
        vocab_size=words, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1,
        head_dim=32, max_position_embeddings=128, bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    model: Any = LlamaForCausalLM(shape)
    with torch.no_grad():
        model.get_output_embeddings().weight.normal_(std=3 / 32**0.5)
    model.save_pretrained(folder / "torch")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(str(files("edt_sampling") / "models" / "docs-6m" / name), folder / "torch")
    config = og.Config(str(export(str(folder / "torch"), out=folder / "onnx")))
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": 1}}}}))  # waiting threads spin
    return og.Model(config)


class Generating:
    """A generator that stands before a draw: ``ready`` brings it there, ``draw`` and ``passed`` go on behind it."""

    def __init__(self, model: Any, rows: int, **options: Any) -> None:
        self._model, self._rows, self._options = model, rows, options
        self._left = 0

    def ready(self) -> Any:
        """The generator, its logits computed."""
        if not self._left:
            parameters = og.GeneratorParams(self._model)
            parameters.set_search_options(batch_size=self._rows, max_length=ROOM, random_seed=0, **self._options)
            self._generator = og.Generator(self._model, parameters)
            self._generator.append_tokens(np.full((self._rows, 2), 5, dtype=np.int32))
            self._left = ROOM - 4
        self._left -= 1
        self._generator.get_logits()
        return self._generator

    def passed(self) -> None:
        """Draws where the timing is over."""
        self._generator.generate_next_token()


def contenders(model: Any, rows: int, words: int, filters: str) -> dict[str, Contender]:
    """By the name that the tables use."""
    cut = {"top_p": 0.95, "top_k": words} if filters == "top-p" else {"top_k": 0}
    steps = Filters.parse("temperature,top_p=0.95" if filters == "top-p" else "temperature")
    uniform = np.full(rows, 0.5)

    def theirs(step: Callable[[Any], Any] | None, temperature: float) -> Contender:
        state = Generating(model, rows, do_sample=True, temperature=temperature, **cut)

        def call(generator: Any) -> None:
            if step is not None:
                step(generator)
            generator.generate_next_token()

        return Contender(call, before=state.ready)

    def ours(spec: str) -> Contender:
        state, backend = Generating(model, rows, do_sample=False), numpy_backend()
        mixture = backend.mixture([policy(spec)] * rows, like=None)

        def call(generator: Any) -> None:
            backend.draw(generator.get_logits()[:, -1], mixture, uniform=uniform, filters=steps)

        return Contender(call, before=state.ready, after=state.passed)

    return {
        "today": theirs(None, TEMPERATURE),
        "Fixed": ours(FIXED),
        "EDT": ours(EDT),
        "PolicyTemper, EDT": theirs(PolicyTemper(EDT), 1.0),
    }


def tables(cases: Sequence[Case]) -> list[Table]:
    columns = {"GenAI, ms": "today", "our Fixed, ms": "Fixed", "our EDT, ms": "EDT", "PolicyTemper and its draw": "PolicyTemper, EDT"}
    ratios = {"today / EDT": ("today", "EDT"), "EDT / Fixed": ("EDT", "Fixed")}
    labels = {name: name for name in ("filters", "rows", "words")}
    return [side_by_side_table(cases, labels=labels, columns=columns, ratios=ratios, cpu=("today", "Fixed", "EDT"))]
