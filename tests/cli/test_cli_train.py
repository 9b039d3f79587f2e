"""``edt train`` from a recipe file on the bundled model: it learns a small task, stops and goes on, and is one line where it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import edt_sampling.cli.train
from edt_sampling.cli import main

VALUES = "batch_size = 4\nmax_steps = 8\neval_every = 4\nlearning_rate = 5e-3\nrank = 4\nwarmup = 0.1\nthreads = 1\n"
COLOURS = ("red", "green", "blue", "black", "white", "brown", "grey", "pink")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """64 examples, a quarter of them dev, of what the bundled model cannot know."""
    monkeypatch.chdir(tmp_path)
    lines = [
        {
            "prompt": f"The {COLOURS[i % 8]} box {i}. Which box?",
            "reference": f"The {COLOURS[i % 8]} one.",
            "split": "train" if i % 4 else "dev",
        }
        for i in range(64)
    ]
    (tmp_path / "boxes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "boxes.toml").write_text(f'model = "bundled"\ntask = "boxes.jsonl"\n{VALUES}')
    return tmp_path / "boxes.toml"


def run(*arguments: str | Path) -> int:
    return main(["train", *map(str, arguments)])


def test_dev_loss_falls_and_every_model_option_takes_what_is_printed(recipe, capfd):
    assert run(recipe) == 0
    out, err = capfd.readouterr()
    folder = Path(out.strip())
    assert folder.parts[-3:-1] == ("runs", folder.parent.name)
    assert "bundled on boxes.jsonl: 48 train examples with" in err
    assert "16 dev examples with" in err
    log = json.loads((folder.parent / "training.json").read_text())["log"]
    assert log[-1]["dev_loss"] < log[0]["dev_loss"] / 2
    assert f"step 8 of 8: train loss {log[-1]['train_loss']:.4f}, dev loss {log[-1]['dev_loss']:.4f} nats a token" in err
    assert f"dev loss {log[0]['dev_loss']:.4f} before, {log[-1]['dev_loss']:.4f} at step 8 (best on dev)" in err
    assert "over 16 examples" in err
    assert "warning" not in err.lower()
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == "bundled"
    assert main(["generate", "--model", str(folder), "--policy", "fixed:temperature=0", "--json", "The red box 3. Which box?"]) == 0
    assert json.loads(capfd.readouterr().out)["text"].startswith(" The")
    assert run(recipe) == 0
    again = capfd.readouterr()
    assert again.out == out
    assert "all steps are done" in again.err
    assert "step " not in again.err.replace("at step", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rank", "0"], "edt: recipe boxes.toml: rank (--rank): input should be greater than or equal to 1, got 0"),
        (
            ["--task", "docstrings-question"],
            "got 'train' (the rest trained the bundled model); to train, give a task that has a train split, or",
        ),
        (["--task", "none.jsonl"], "edt: none.jsonl: No such file or directory"),
        (["--max-length", "5"], "edt: max_length: all 48 train examples of boxes.jsonl are longer than 5 tokens"),
        (["--max-length", "2000"], "edt: max_length: 'bundled' has 1024 positions, got 2000"),
        (["--model", "./nowhere"], "edt: model './nowhere' is not a folder"),
        (["--target-modules", "nothing"], "Target modules {'nothing'} not found in the base model"),
        (["--chat"], "edt: chat: the tokenizer of 'bundled' has no chat template"),
    ],
)
def test_bad_input_is_one_line(recipe, capfd, arguments, told):
    assert run("boxes.toml", *arguments) in (1, 2)
    out, err = capfd.readouterr()
    assert out == ""
    assert told in err.splitlines()[-1]
    assert "Traceback" not in err


def test_four_bits_without_the_library_say_what_to_do(recipe, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    assert run(recipe, "--four-bit") == 1
    assert "four_bit needs bitsandbytes: pip install bitsandbytes, or train with four_bit = false (--no-four-bit)" in capfd.readouterr().err


def test_without_trl_it_says_what_to_install(recipe, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "edt_sampling.training.lora.run", None)
    monkeypatch.delitem(sys.modules, "edt_sampling.training.lora.run")
    monkeypatch.setitem(sys.modules, "trl", None)
    for module in [m for m in sys.modules if m.startswith(("edt_sampling.training.lora.", "trl."))]:
        monkeypatch.delitem(sys.modules, module)
    assert run(recipe) == 1
    assert "edt train needs trl: pip install 'edt-sampling[train]'" in capfd.readouterr().err


def test_interrupted_it_says_what_is_kept_and_goes_on(recipe, capfd, monkeypatch):
    short = [recipe, "--eval-every", "2", "--max-steps", "5"]

    @contextmanager
    def interrupting(*, done, total, what):
        """Ctrl-C at the third step."""
        assert (done, total, what) == (0, 5, "steps")
        steps = iter(range(3))

        def step() -> None:
            if next(steps) == 2:
                raise KeyboardInterrupt

        yield step

    with monkeypatch.context() as patched:
        patched.setattr(edt_sampling.cli.train, "counting", interrupting)
        assert run(*short) == 130
    out, err = capfd.readouterr()
    assert out == ""
    assert err.rstrip().splitlines()[-1] == "stopped; the checkpoint of step 2 is kept: the same command goes on"
    assert run(*short) == 0
    assert "going on from step 2" in capfd.readouterr().err


def test_it_is_a_module_for_launchers():
    done = subprocess.run([sys.executable, "-m", "edt_sampling", "train", "--help"], capture_output=True, text=True, check=True)
    assert "accelerate launch -m edt_sampling train RECIPE" in " ".join(done.stdout.split())
