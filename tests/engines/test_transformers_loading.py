"""Models from folders, and what is refused in one line."""

from __future__ import annotations

import pytest
import torch

from edt_sampling.engines import load_engine
from edt_sampling.engines.fingerprint import fingerprint
from edt_sampling.engines.transformers import load
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting


@pytest.fixture
def folder(tmp_path, model, tokenizer):
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_of_any_architecture_loads_and_runs(folder):
    engine = load_engine("transformers", model=str(folder), threads=1)
    request = Request(id=0, prompt="Return", settings=(Setting(policy=policy("edt:t0=0.8,theta=0.2")),), max_new_tokens=4)
    (completions,) = engine.generate([request])
    assert 1 <= len(completions[0].trace.tokens) <= 4
    described = engine.describe()
    assert described["prefix"] == "shared"
    assert described["dtype"] == "float32"
    assert described["threads"] == 1
    assert len(described["fingerprint"]) == 12


def test_the_fingerprint_changes_with_the_weights(folder, model):
    before = fingerprint(str(folder), model.config)
    assert fingerprint(str(folder), model.config) == before
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] += 1
    model.save_pretrained(folder)
    assert fingerprint(str(folder), model.config) != before


@pytest.mark.parametrize(
    ("removed", "added", "message"),
    [
        ("*.safetensors", None, "holds no weights in safetensors"),
        ("*.safetensors", "pytorch_model.bin", r"pytorch_model.bin is not read: save the model with safe_serialization=True"),
        ("config.json", None, "holds no config.json"),
    ],
)
def test_a_folder_that_lacks_something_says_what(folder, removed, added, message):
    for file in folder.glob(removed):
        file.unlink()
    if added:
        (folder / added).write_bytes(b"old")
    with pytest.raises(FileNotFoundError, match=message):
        load(model=str(folder))


def test_truncated_weights_are_one_clear_line(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(OSError, match=r"^model .* cannot be loaded: .+$"):
        load(model=str(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "./nowhere"}, "is not a folder"),
        ({"dtype": "int3"}, "dtype must be auto, float32, bfloat16, float16, got 'int3'"),
        ({"device": "abacus"}, "device 'abacus' cannot be used here"),
        ({"threads": 0}, "threads must be >= 1, got 0"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        load(**options)
    assert "\n" not in str(caught.value)


def test_a_hub_model_that_cannot_be_reached_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(OSError, match=r"^model 'nobody/nothing' cannot be loaded: ") as caught:
        load(model="nobody/nothing")
    assert "\n" not in str(caught.value)


def test_an_unknown_engine_is_named():
    with pytest.raises(ValueError, match=r"unknown engine 'transfomers'; did you mean 'transformers'\?"):
        load_engine("transfomers")
