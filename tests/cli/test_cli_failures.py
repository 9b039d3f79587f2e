"""edt failures: the rule is printed with what it picks."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_run import compare, fake_comparison

from edt_sampling.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, comparison = tmp_path_factory.mktemp("run"), fake_comparison(4, dev=2, metrics=["rouge_l", "self_bleu"])
    compare(comparison, out)
    return comparison.folder(out)


def test_the_rule_the_shares_and_the_texts_are_printed(run: Path, capsys: Any):
    assert main(["failures", str(run), "--rule", "truncated", "--limit", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "truncated: cut at the length limit"
    (hot,) = [line for line in lines if " fixed:temperature=1 (" in line]
    assert hot.startswith("  8 of 8 texts (100.0%)  Fixed fixed:temperature=1 (")
    assert lines[-2].startswith("test0  Fixed fixed:temperature=1, seed 0, sample 0: 7 tokens")


def test_the_worst_come_without_shares_and_with_a_signed_loss(run: Path, capsys: Any):
    assert main(["failures", str(run)]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("worst: lowest mean ROUGE-L over a prompt's texts, EDT edt:")
    assert all(line.endswith("ROUGE-L") and ": -0." in line for line in rest if ", seed 0, sample" in line)
    assert main(["failures", str(run), "--rule", "empty"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "no text falls under it"


def test_json_holds_it_all(run: Path, capsys: Any):
    assert main(["failures", str(run), "--rule", "uncertain", "--limit", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["unit"], len(found["picked"]), found["shares"]) == ("uncertain", "nats", 2, [])
    assert set(found["picked"][0]) == {"example", "method", "policy", "seed", "sample", "score", "text"}


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [(["nowhere"], 1, "no run is here"), (["nowhere", "--rule", "bad"], 2, "'bad' is not one of"), ([], 2, "Missing argument 'RUN'")],
)
def test_bad_input_is_one_line(arguments: list[str], status: int, told: str, capsys: Any):
    assert main(["failures", *arguments]) == status
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
