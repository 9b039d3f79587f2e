"""The bundled model is what its card says: small, loadable anywhere, and sure often enough to show the method."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from edt_sampling.engines.transformers import load
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.tasks import load_task
from edt_sampling.tasks.summaries import lead_sentence
from edt_sampling.training.scores import greedy, rouge

FOLDER = Path(str(files("edt_sampling") / "models" / "docs-6m"))
SCORES = json.loads((FOLDER / "scores.json").read_text())


@pytest.fixture(scope="module")
def engine():
    return load(model="bundled", threads=1)


def test_it_is_small_and_in_bfloat16():
    assert (FOLDER / "model.safetensors").stat().st_size <= 20e6
    with safe_open(FOLDER / "model.safetensors", framework="pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"BF16"}  # noqa: SIM118 - not a dict


def test_other_engines_can_load_it():
    """Heads of 64, a Llama, and GPT-2's byte-level BPE without anything added at the start."""
    config = json.loads((FOLDER / "config.json").read_text())
    assert (config["model_type"], config["head_dim"]) == ("llama", 64)
    tokenizer = json.loads((FOLDER / "tokenizer.json").read_text())
    assert (tokenizer["model"]["type"], tokenizer["pre_tokenizer"]["type"]) == ("BPE", "ByteLevel")
    assert tokenizer["post_processor"]["special_tokens"] == {}


def test_any_text_survives_the_tokenizer(engine):
    text = "Größe 数 ✓\n\tx = [1,  2]"
    assert engine.tokenizer.decode(engine.tokenizer(text)["input_ids"]) == text


def test_it_is_sure_often_enough_on_the_demos_task(engine):
    """At least 30% of its greedy dev steps have H < 1 nat: below that EDT acts."""
    examples = load_task(load_recipe(None).task, split="dev").examples(60)
    assert np.mean(greedy(engine, examples).entropy < 1) >= 0.3


def test_its_greedy_answers_beat_the_lead_sentence(engine):
    test = load_task("docstrings-summary").examples(60)
    assert greedy(engine, test).rouge_l.mean() > rouge([lead_sentence(e) for e in test], test).mean()


def test_the_card_tells_the_stored_scores():
    card = (FOLDER / "README.md").read_text()
    for row in SCORES["tasks"]:
        assert "| " + " | ".join(str(v) for v in row.values()) + " |" in card
