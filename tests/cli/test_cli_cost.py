"""``edt cost`` on the bundled model: what it says, and that a second stream has a cache of its own."""

from __future__ import annotations

import json

import pytest

from edt_sampling.cli import main

SMALL = ["--limit", "2", "--samples", "2", "--max-new-tokens", "4", "--threads", "1"]


def test_costs_as_json(capsys: pytest.CaptureFixture[str]):
    assert main(["cost", *SMALL, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    fixed, edt, guided = told["costs"]
    assert (told["prompts"], told["samples"], told["engine"]["model"]) == (2, 2, "bundled")
    assert fixed["ratio"]["mean"] == 1
    assert edt["cache"] == fixed["cache"]
    assert 1 < guided["cache_ratio"] < 2, "the second stream's prompt is shorter"


def test_the_table_names_every_setting(capsys: pytest.CaptureFixture[str]):
    assert main(["cost", *SMALL, "--policy", "fixed:temperature=1", "--policy", "udt:t0=1,theta=0.1"]) == 0
    shown = capsys.readouterr().out
    assert "udt:t0=1,theta=0.1" in shown
    assert "2 prompts, 2 texts each" in shown


def test_a_task_without_evidence_has_no_second_stream(capsys: pytest.CaptureFixture[str], tmp_path):
    data = tmp_path / "plain.jsonl"
    data.write_text("".join(json.dumps({"prompt": f"p{i}", "reference": "r", "split": "dev"}) + "\n" for i in range(3)))
    assert main(["cost", *SMALL, "--task", str(data)]) == 2
    assert "kl-guided needs the prompt without its evidence" in capsys.readouterr().err
