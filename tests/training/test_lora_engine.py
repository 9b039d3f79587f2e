"""A trained adapter in the engine: its base model with the adapter's weights added."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from edt_sampling.engines.transformers import load
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.training.lora import checkpoints
from edt_sampling.training.lora.trainer import name_base

PROMPTS = ("Say mean:", "Say rank again:", "Say shape again again:")


def greedy(engine, prompts=PROMPTS, tokens: int = 8) -> list[list[int]]:
    setting = Setting(policy=policy("fixed:temperature=0"))
    requests = [Request(id=i, prompt=p, settings=(setting,), max_new_tokens=tokens) for i, p in enumerate(prompts)]
    return [completion.trace.tokens.tolist() for (completion,) in engine.generate(requests)]


def pefts_own(llama: str, adapter: Path, tokenizer) -> list[list[int]]:
    """Greedy texts by peft's model, its adapter not merged, and transformers' generate."""
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32), str(adapter)).eval()
    found = []
    for prompt in PROMPTS:
        inputs = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**inputs, do_sample=False, max_new_tokens=8, pad_token_id=0)
        found.append(out[0, inputs["input_ids"].shape[1] :].tolist())
    return found


def test_an_adapter_writes_what_pefts_own_generate_writes(trained, llama, byte_tokenizer):
    engine, base = load(model=str(trained / "model")), load(model=llama)
    texts = greedy(engine)
    assert texts == pefts_own(llama, trained / "model", byte_tokenizer)
    assert texts != greedy(base)
    assert engine.describe()["model"] == str(trained / "model")
    assert engine.not_shared is None, "rows share their prefix as with any model"


def test_checkpoints_load_in_the_same_way(trained, llama, byte_tokenizer):
    first, last = (checkpoints.path_of(trained, step) for step in checkpoints.steps(trained))
    assert greedy(load(model=str(last))) == pefts_own(llama, last, byte_tokenizer)
    prints = {load(model=str(p)).fingerprint for p in (first, last)}
    assert len(prints) == 2


def test_the_fingerprint_covers_the_base_and_the_adapter(trained, tmp_path):
    before = load(model=str(trained / "model")).fingerprint
    assert load(model=str(trained / "model")).fingerprint == before
    base = tmp_path / "base"
    config = json.loads((trained / "model" / "adapter_config.json").read_text())
    shutil.copytree(config["base_model_name_or_path"], base)
    shutil.copytree(trained / "model", tmp_path / "adapter")
    name_base(tmp_path / "adapter", str(base))
    moved = load(model=str(tmp_path / "adapter")).fingerprint
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        model.model.norm.weight.mul_(1.5)
    model.save_pretrained(base)
    assert load(model=str(tmp_path / "adapter")).fingerprint not in (before, moved)


def test_merged_weights_are_a_model_of_their_own_with_the_same_texts(begin, llama):
    session = begin()
    session.run()
    adapter = greedy(load(model=str(session.folder / "model")))
    merged = begin(merge=True, told=(told := []))
    assert merged.folder == session.folder
    merged.run()
    assert told == ["all steps are done"], "nothing is learnt again"
    files = {p.name for p in (session.folder / "model").iterdir()}
    assert "model.safetensors" in files
    assert not [name for name in files if name.startswith("adapter")]
    engine = load(model=str(session.folder / "model"))
    assert greedy(engine) == adapter
    assert json.loads((session.folder / "training.json").read_text())["written"] == "merged"
    begin().run()
    assert "adapter_model.safetensors" in {p.name for p in (session.folder / "model").iterdir()}, "and back"


def test_an_adapter_of_the_bundled_model_names_it_by_its_word(tmp_path):
    engine = load(model="bundled")
    base = AutoModelForCausalLM.from_pretrained(engine.model.config.name_or_path, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=2, target_modules="all-linear", init_lora_weights=False))
    model.peft_config["default"].base_model_name_or_path = None
    model.save_pretrained(tmp_path / "adapter")
    name_base(tmp_path / "adapter", "bundled")
    assert sorted(p.name for p in (tmp_path / "adapter").iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    adapted = load(model=str(tmp_path / "adapter"))  # the tokenizer is the base model's: there is none beside the adapter
    assert greedy(adapted, ["Return the sum."]) != greedy(engine, ["Return the sum."])


@pytest.fixture
def broken(trained, tmp_path) -> Path:
    return Path(shutil.copytree(trained / "model", tmp_path / "adapter"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_model_name_or_path": "./gone"}, r"^adapter folder '.*': its base model is missing: model './gone' is not a folder"),
        ({"base_model_name_or_path": None}, "names no base_model_name_or_path: write the base's folder or Hub id there$"),
        ({"base_model_name_or_path": "bundled"}, "does not fit its base model"),
        ({"peft_type": "LOHA"}, "peft_type must be LORA, got 'LOHA'"),
    ],
)
def test_a_bad_adapter_is_one_clear_line(broken, change, message):
    config = json.loads((broken / "adapter_config.json").read_text())
    (broken / "adapter_config.json").write_text(json.dumps(config | change))
    with pytest.raises((ValueError, OSError), match=message) as caught:
        load(model=str(broken))
    assert "\n" not in str(caught.value)


def test_an_adapter_without_weights_or_with_a_config_of_something_else(broken):
    (broken / "adapter_model.safetensors").rename(broken / "adapter_model.bin")
    with pytest.raises(FileNotFoundError, match=r"holds no weights in safetensors \(adapter_model\.safetensors\)"):
        load(model=str(broken))
    (broken / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"adapter_config\.json is not what peft writes"):
        load(model=str(broken))


def test_without_peft_it_says_what_to_install(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"is a LoRA adapter, which needs peft: pip install 'edt-sampling\[train\]'$"):
        load(model=str(trained / "model"))


def test_an_adapter_is_no_base_to_train_from(trained, begin):
    with pytest.raises(ValueError, match="is a LoRA adapter: give a whole model, such as one that was written with merge = true"):
        begin(model=str(trained / "model"))
