"""The folder for the Hub, and models that carry it: held against the processor, which is held against the oracle elsewhere."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GenerationMixin, set_seed

from edt_sampling.cli import main
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.engines.transformers import decoding
from edt_sampling.engines.transformers.config_fields import honour_fields
from edt_sampling.engines.transformers.repository import write_repository

SPEC = "edt:t0=0.8,theta=0.5"


@pytest.fixture(autouse=True)
def transformers_as_it_was(monkeypatch):
    """``honour_fields`` changes a class of the library: each test gets it back."""
    monkeypatch.setattr(GenerationMixin, "_get_logits_processor", GenerationMixin._get_logits_processor)


@pytest.fixture(scope="module")
def bundled():
    return AutoModelForCausalLM.from_pretrained(model_source(BUNDLED), dtype=torch.float32)


@pytest.fixture(scope="module")
def inputs():
    tokenizer = AutoTokenizer.from_pretrained(model_source(BUNDLED))
    return tokenizer("Return the mean of an array along an axis.\n\nSummary:", return_tensors="pt")


def text(model, inputs, **options):
    set_seed(3)
    return model.generate(**inputs, max_new_tokens=16, **options)[0].tolist()


def test_a_repository_decodes_as_the_processor_does(bundled, inputs, tmp_path):
    assert main(["export", "custom-generate", "--out", str(tmp_path / "edt")]) == 0
    mine = {"custom_generate": str(tmp_path / "edt"), "trust_remote_code": True, "do_sample": True, "top_k": 0}
    expected = text(bundled, inputs, **decoding(bundled, SPEC, top_p=0.9))
    assert text(bundled, inputs, **mine, top_p=0.9, edt=SPEC) == expected
    assert text(bundled, inputs, **mine, top_p=0.9, edt="edt:theta=0.5", temperature=0.8) == expected, "a t0 left out is the temperature"
    assert text(bundled, inputs, **mine, top_p=0.9, edt_theta=0.5, temperature=0.8) == expected
    assert text(bundled, inputs, **mine, top_p=0.9) != expected, "without our field it is transformers' own"


def test_a_model_that_carries_it_samples_by_its_policy(bundled, inputs, tmp_path):
    folder = tmp_path / "model"
    assert main(["export", "custom-generate", "--model", "bundled", "--policy", "edt:theta=0.5", "--out", str(folder)]) == 0
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, dtype=torch.float32)
    assert text(model, inputs, temperature=0.8) == text(bundled, inputs, **decoding(bundled, SPEC))
    assert text(model, inputs, edt="fixed:temperature=0.4") == text(bundled, inputs, **decoding(bundled, "fixed:temperature=0.4"))
    assert text(model, inputs, do_sample=False) == text(bundled, inputs, do_sample=False), "greedy stays greedy"
    asked = GenerationConfig(do_sample=True, top_k=0, max_new_tokens=16, edt_theta=0.5, temperature=0.8)
    set_seed(3)
    given = model.generate(inputs["input_ids"], attention_mask=inputs["attention_mask"], generation_config=asked)[0].tolist()
    assert given == text(bundled, inputs, **decoding(bundled, SPEC)), "a server gives the request's own config"


def test_penalties_stay_in_force_and_come_first(bundled, inputs):
    honour_fields()
    config = {"do_sample": True, "top_k": 0, "repetition_penalty": 1.5, "temperature": 0.7}
    given = GenerationConfig(**config, max_new_tokens=16, edt="edt:theta=0.5")
    set_seed(3)
    found = bundled.generate(inputs["input_ids"], attention_mask=inputs["attention_mask"], generation_config=given)[0].tolist()
    own = decoding(bundled, "edt:t0=0.7,theta=0.5") | {"repetition_penalty": 1.5}
    assert found == text(bundled, inputs, **own)


def test_bad_requests_and_folders(bundled, inputs, tmp_path, capsys):
    write_repository(tmp_path / "edt")
    with pytest.raises(ValueError, match="edt_theta must be a number >= 0, got 'hot'"):
        text(bundled, inputs, custom_generate=str(tmp_path / "edt"), trust_remote_code=True, edt_theta="hot")
    with pytest.raises(ValueError, match="kl-guided needs kl, which a logits processor does not keep"):
        write_repository(tmp_path / "other", model=BUNDLED, spec="kl-guided")
    assert main(["export", "custom-generate", "--out", str(tmp_path / "edt")]) == 1
    assert "is not empty: name a new folder" in capsys.readouterr().err
    assert main(["export", "custom-generate", "--out", str(tmp_path / "x"), "--policy", "edt:theta=1"]) == 2
    assert "model and policy go together" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="is not a folder: download it first"):
        write_repository(tmp_path / "hub", model="owner/name", spec="edt:theta=1")
    assert not (tmp_path / "x").exists()


def test_what_the_model_already_sets_stays(tmp_path, llama, tokenizer):
    llama.generation_config.top_p = 0.9
    llama.generation_config.do_sample = True
    llama.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    write_repository(tmp_path / "served", model=str(tmp_path / "model"), spec="edt:theta=0.1")
    written = json.loads((tmp_path / "served" / "generation_config.json").read_text())
    assert (written["top_p"], written["top_k"], written["edt"]) == (0.9, 0, "edt:theta=0.1")
