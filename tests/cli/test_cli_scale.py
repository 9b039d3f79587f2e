"""``edt scale`` on the bundled model and a copy of it that knows less."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from edt_sampling.cli import main
from edt_sampling.engines.transformers import load

SMALL = ["--dev-limit", "2", "--limit", "3", "--samples", "2", "--max-new-tokens", "5", "--threads", "1"]
POLICIES = [
    "--policy",
    "fixed:temperature=0",
    "--policy",
    "fixed:temperature=0.5",
    "--policy",
    "fixed:temperature=1",
    "--policy",
    "edt:t0=0.8,theta=0.5",
]


@pytest.fixture(scope="module")
def blurred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model with a weaker last norm: all its distributions are flatter."""
    folder = tmp_path_factory.mktemp("models") / "blurred"
    engine = load()
    with torch.no_grad():
        engine.model.model.norm.weight.mul_(0.5)
    engine.model.save_pretrained(folder)
    engine.tokenizer.save_pretrained(folder)
    return folder


def test_two_models_one_picture(blurred: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["scale", "--model", str(blurred), "--model", "bundled", *SMALL, *POLICIES, "--out", str(tmp_path), "--json"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    weak, bundled = told["points"]
    assert weak["parameters"] == bundled["parameters"] > 5_000_000
    assert weak["confident"] < bundled["confident"]
    assert "2 prompts of" not in captured.err
    pages = list(tmp_path.glob("scale-*.html"))
    assert len(pages) == 1
    assert f"the page: {pages[0]}" in captured.err
    assert main(arguments) == 0
    assert "3 of 3 prompts are done" in capsys.readouterr().err


def test_one_model_is_none_to_compare(capsys: pytest.CaptureFixture[str]):
    assert main(["scale", "--model", "bundled", *SMALL]) == 2
    assert "models" in capsys.readouterr().err
