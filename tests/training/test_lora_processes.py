"""Two processes share a training: the same steps as one, written and told by the first alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edt_sampling.training.lora import checkpoints

ROOT = Path(__file__).parents[2]
SHARDED = ROOT / "recipes" / "train" / "fsdp.yaml"


class Launcher:
    """Runs ``edt train`` on two processes: see processes.py."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("processes.py")
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        pipe = subprocess.PIPE
        self.helper = subprocess.Popen([sys.executable, script], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def train(self, prints: Path, config: Path | None, arguments: list[str]) -> None:
        assert self.helper.stdin
        assert self.helper.stdout
        self.helper.stdin.write(json.dumps([str(prints), config and str(config), ["train", *arguments]]) + "\n")
        self.helper.stdin.flush()
        told = self.helper.stdout.readline()
        assert told == "done\n", told + "".join(file.read_text() for file in sorted(prints.iterdir())) + self.helper.communicate()[1]


@pytest.fixture
def launcher():
    started = Launcher()
    yield started
    started.helper.communicate(timeout=30)


def same(one: Path, other: Path) -> None:
    weights, others = (load_file(folder / "model" / "adapter_model.safetensors") for folder in (one, other))
    assert weights.keys() == others.keys()
    for name in weights:
        torch.testing.assert_close(weights[name], others[name], rtol=0, atol=2e-5)


def forgotten(folder: Path, kept: int) -> None:
    """The training as it was when this checkpoint was its last."""
    for step in checkpoints.steps(folder):
        if step > kept:
            shutil.rmtree(checkpoints.path_of(folder, step))
    shutil.rmtree(folder / "model")
    record = json.loads((folder / "training.json").read_text())
    (folder / "training.json").write_text(json.dumps(record | {"chosen": None, "written": None}))


def test_two_processes_learn_what_one_does_with_and_without_sharding(begin, launcher, tmp_path):
    alone = begin(dropout=0.0, device="cpu")
    record = alone.run()
    recipe = alone.material.recipe
    fields = {name: getattr(recipe, name) for name in recipe.model_fields_set}
    arguments = [word for name, value in fields.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    shared, sharded = (tmp_path / kind / alone.folder.name for kind in ("shared", "sharded"))
    launcher.train(tmp_path / "shared-prints", None, [*arguments, "--out", str(shared.parent)])
    launcher.train(tmp_path / "sharded-prints", SHARDED, [*arguments, "--out", str(sharded.parent)])
    for folder, sharding in ((shared, "no"), (sharded, "yes")):
        written = json.loads((folder / "training.json").read_text())
        (start,) = written["starts"]
        assert (start["environment"]["processes"], start["environment"]["sharded"]) == (2, sharding)
        assert [line["tokens"] for line in written["log"]] == [line["tokens"] for line in record.log]
        for line, other in zip(written["log"], record.log, strict=True):
            assert line["dev_loss"] == pytest.approx(other["dev_loss"], abs=1e-5), "five dev examples on two processes, each counted once"
        same(folder, alone.folder)
        prints = tmp_path / f"{folder.parent.name}-prints"
        assert (prints / "0.out").read_text().strip() == str(folder / "model")
        assert "step 4 of 4: train loss" in (prints / "0.err").read_text()
        assert (prints / "1.out").read_text() == ""
        assert (prints / "1.err").read_text() == ""
    whole = shutil.copytree(sharded, tmp_path / "whole")
    forgotten(sharded, kept=2)
    launcher.train(tmp_path / "resumed-prints", SHARDED, [*arguments, "--out", str(sharded.parent)])
    assert "going on from step 2" in (tmp_path / "resumed-prints" / "0.err").read_text()
    same(sharded, whole)
