"""The paper's recipes from end to end: a LoRA adapter by ``edt train``, then the comparison, on local copies of the hub's data sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_copies import write_ms_marco, write_quac, write_wmt19, write_xlsum

from edt_sampling.cli import main

RECIPES = Path(__file__).parents[2] / "recipes" / "paper"
SETS = {
    "xlsum": (write_xlsum, ",max_characters=300", "rouge_l"),
    "quac": (write_quac, ",max_characters=300,history=1", "rouge_l"),
    "ms_marco": (write_ms_marco, ",max_characters=300", "rouge_l"),
    "wmt19": (write_wmt19, "", "bleu"),
}
TRAINING = ["--limit", "16", "--dev-limit", "4", "--max-steps", "2", "--batch-size", "4", "--rank", "4"]
COMPARISON = ["--dev-limit", "2", "--limit", "2", "--samples", "2", "--max-new-tokens", "4", "--threads", "1"]


@pytest.mark.parametrize("name", SETS)
def test_a_recipe_of_the_paper(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The adapter is named by its folder; KL-guided temperature has its second stream; the task's own metric judges."""
    write, parameters, metric = SETS[name]
    task = f"{name}:from={_written(write, tmp_path)}{parameters}"
    assert main(["train", "--model", "bundled", "--task", task, *TRAINING, "--out", str(tmp_path / "adapters")]) == 0
    adapter = capsys.readouterr().out.strip().splitlines()[-1]
    assert (Path(adapter) / "adapter_config.json").is_file()
    compare = ["compare", "--recipe", str(RECIPES / f"{name}.toml"), "--model", adapter, "--task", task, "--dtype", "float32"]
    assert main([*compare, *COMPARISON, "--out", str(tmp_path / "runs"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["primary"], found["model"]) == (metric, adapter)
    assert [row["method"] for row in found["rows"] if row["role"] == "chosen"] == ["EDT", "KL-guided", "Instance EDT", "UDT"]
    guided = [row for row in found["rows"] if row["policy"] == "kl-guided:bandwidth=0.5" and row["stage"] == "dev"]
    assert 0 < guided[0]["values"]["temperature"]["mean"] < 1


def _written(write: Callable[..., object], folder: Path) -> Path:
    write(folder / "copy")
    return folder / "copy"
