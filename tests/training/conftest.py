"""A tiny random Llama in a folder, a tokenizer of bytes for it, and a small task in a file: what a pattern of words goes on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from edt_sampling.training.lora.material import gather
from edt_sampling.training.lora.recipe import TrainRecipe
from edt_sampling.training.lora.run import Session

torch.set_num_threads(1)
END = "<|end|>"
WORDS = ("sum", "mean", "rank", "norm", "trace", "range", "count", "shape")


@pytest.fixture(scope="session")
def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes as tokens, and an end token; no padding token, as Llama 2's has none."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={END: 0, **{c: i + 1 for i, c in enumerate(alphabet)}}, merges=[]))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    inner.add_special_tokens([END])
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END)


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory, byte_tokenizer: PreTrainedTokenizerFast) -> str:
    """The model's folder."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=96, eos_token_id=0, bos_token_id=None, pad_token_id=None, tie_word_embeddings=False,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "llama"
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(5)  # frozen: so that small changes before it are seen behind it
    model.save_pretrained(folder)
    byte_tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """24 train and 5 dev examples of different lengths."""
    file = tmp_path_factory.mktemp("data") / "words.jsonl"
    lines = [
        {"prompt": f"Say {word}{' again' * (i % 3)}:", "reference": f"the {word} {i}", "split": "train" if i < 3 else "dev"}
        for i in range(4)
        for word in WORDS[: 8 if i < 3 else 5]
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(file)


Begin = Callable[..., Session]


@pytest.fixture(scope="session")
def begin_in(llama: str, data: str) -> Begin:
    """A fine-tuning of the tiny model in this folder of runs, a step of 8 examples; the fields given go over this. ``told`` gathers what
    is told."""

    def session(out: Path, *, told: list[str] | None = None, **fields: Any) -> Session:
        base = {"model": llama, "task": data, "batch_size": 8, "learning_rate": 1e-2, "max_steps": 4, "eval_every": 2, "rank": 4}
        lines = [] if told is None else told
        material = gather(TrainRecipe.model_validate(base | fields), tell=lines.append)
        folder = material.folder(out)
        return Session(material=material, folder=folder, count=lambda *_: lambda: None, tell=lines.append, warn=lines.append)

    return session


@pytest.fixture
def begin(begin_in: Begin, tmp_path: Path) -> Begin:
    """The same in a folder of this test's."""

    def session(*, out: str = "runs", **fields: Any) -> Session:
        return begin_in(tmp_path / out, **fields)

    return session


@pytest.fixture(scope="session")
def trained(begin_in: Begin, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is done; for tests that change nothing in it."""
    session = begin_in(tmp_path_factory.mktemp("trained"), max_steps=12, eval_every=6, learning_rate=5e-2)
    session.run()
    return session.folder
