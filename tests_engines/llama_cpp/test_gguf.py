"""GGUF files of transformers folders: the same logits, and a refusal in one line for what is not converted."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as load_torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from edt_sampling.cli.export import command
from edt_sampling.engines.llama_cpp import load
from edt_sampling.engines.llama_cpp.gguf import write_gguf

TOKENS = [5, 900, 17, 33, 2048, 7, 7, 1500]
SHAPE = {
    "vocab_size": 4096,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}


def saved(model, bundled: Path, folder: Path) -> Path:
    """A model with the bundled tokenizer beside it."""
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(bundled / name, folder)
    return folder


def random_model(kind: str):
    torch.manual_seed(0)
    if kind == "grouped queries, untied, wide heads":
        return LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=2, head_dim=32, tie_word_embeddings=False, rope_theta=500.0))
    if kind == "mistral":
        return MistralForCausalLM(MistralConfig(**SHAPE, num_key_value_heads=2, sliding_window=None, tie_word_embeddings=False))
    return LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=1, tie_word_embeddings=True, rms_norm_eps=1e-3))


def theirs(folder: Path) -> np.ndarray:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model(torch.tensor([TOKENS])).logits[0].detach().numpy()


def ours(file: Path) -> np.ndarray:
    return load(model=str(file), threads=1, cache="f32").model.logits(TOKENS, last=len(TOKENS))


@pytest.mark.parametrize("kind", ["grouped queries, untied, wide heads", "mistral", "one key for all, tied"])
def test_logits_are_those_of_transformers(bundled, tmp_path, kind):
    folder = saved(random_model(kind), bundled, tmp_path / "model")
    expected = theirs(folder)
    assert np.abs(ours(write_gguf(folder, tmp_path / "m.gguf")) - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(("kind", "margin"), [("bf16", 0.1), ("f16", 0.02)])
def test_smaller_kinds_take_half_the_room_and_keep_the_logits(bundled, gguf, tmp_path, kind, margin):
    """The margin is llama.cpp's own, which rounds activations to the kind of the weights: logits here reach 15."""
    smaller = write_gguf(bundled, tmp_path / "m.gguf", kind=kind)
    assert smaller.stat().st_size == pytest.approx(gguf.stat().st_size / 2, rel=0.02)
    assert np.abs(ours(smaller) - ours(gguf)).max() < margin


def test_bfloat16_weights_are_stored_bit_by_bit(bundled, tmp_path):
    written = write_gguf(bundled, tmp_path / "m.gguf", kind="bf16").read_bytes()
    original = load_torch(bundled / "model.safetensors")
    for name in ("model.layers.0.mlp.up_proj.weight", "model.layers.5.self_attn.o_proj.weight"):
        assert original[name].view(torch.int16).numpy().tobytes() in written


def test_the_same_folder_gives_the_same_bytes(bundled, gguf, tmp_path):
    assert write_gguf(bundled, tmp_path / "again.gguf").read_bytes() == gguf.read_bytes()


def test_weights_in_several_files_are_one_model(bundled, gguf, tmp_path):
    folder = saved(random_model("mistral"), bundled, tmp_path / "model")
    whole = write_gguf(folder, tmp_path / "whole.gguf").read_bytes()
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    save_file({name: tensors[name] for name in names[::2]}, folder / "a.safetensors")
    save_file({name: tensors[name] for name in names[1::2]}, folder / "b.safetensors")
    assert write_gguf(folder, tmp_path / "parts.gguf").read_bytes() == whole


def edited(bundled: Path, folder: Path, **changes) -> Path:
    shutil.copytree(bundled, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"architectures": ["GPT2LMHeadModel"]}, "LlamaForCausalLM, MistralForCausalLM, got GPT2LMHeadModel: .*convert_hf_to_gguf.py"),
        ({"rope_parameters": {"rope_theta": 1e4, "rope_type": "llama3"}}, "has rope_type 'llama3'"),
        ({"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2}}, "has rope_type 'linear'"),
        ({"attention_bias": True}, "has biases"),
        ({"sliding_window": 512}, "has a sliding window"),
        ({"hidden_act": "gelu"}, "has hidden_act 'gelu'"),
        ({"tie_word_embeddings": False}, "no tensor 'lm_head.weight'"),
        ({"num_hidden_layers": 5}, "'model.layers.5.input_layernorm.weight', which Llama's architecture does not have"),
        ({"vocab_size": 4000}, "token 4095, but config.json says vocab_size 4000"),
    ],
)
def test_what_would_compute_something_else_is_refused(bundled, tmp_path, changes, told):
    folder, out = edited(bundled, tmp_path / "model", **changes), tmp_path / "m.gguf"
    with pytest.raises(ValueError, match=told) as refused:
        write_gguf(folder, out)
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t["model"].update(type="Unigram"), "must be byte-level BPE"),
        (lambda t: t.update(normalizer={"type": "NFC"}), "must be byte-level BPE without a normalizer"),
        (lambda t: t["pre_tokenizer"].update(add_prefix_space=True), "not one of gpt-2, smollm, llama-bpe"),
        (lambda t: t.update(pre_tokenizer={"type": "Whitespace"}), "not one of gpt-2, smollm, llama-bpe"),
    ],
)
def test_tokenizers_that_llama_cpp_would_read_differently_are_refused(bundled, tmp_path, change, told):
    folder = edited(bundled, tmp_path / "model")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    change(tokenizer)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ValueError, match=told):
        write_gguf(folder, tmp_path / "m.gguf")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_what_is_missing_is_named(bundled, tmp_path, name):
    folder = edited(bundled, tmp_path / "model")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match="safetensors" if name.startswith("model") else name):
        write_gguf(folder, tmp_path / "m.gguf")


def test_an_unknown_kind_is_refused(bundled, tmp_path):
    with pytest.raises(ValueError, match="type must be one of f32, f16, bf16, got 'q8_0'"):
        write_gguf(bundled, tmp_path / "m.gguf", kind="q8_0")


def test_the_command_writes_the_bundled_model(gguf, tmp_path):
    result = CliRunner().invoke(command, ["gguf", "--out", str(tmp_path / "m.gguf")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "m.gguf").read_bytes() == gguf.read_bytes()
    assert "23.3 MB" in result.stderr
