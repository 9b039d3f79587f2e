"""The script that makes HumanEval or MBPP a file for edt compare, on files of exactly their schema."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from edt_sampling.metrics.programs import Limits, passed
from edt_sampling.tasks import load_task

SCRIPT = Path(__file__).parents[2] / "docs" / "programs.py"
HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'from typing import List\n\n\ndef twice(values: List[int]) -> List[int]:\n    """ Double each.\n    """\n',
    "canonical_solution": "    return [2 * value for value in values]\n",
    "test": "\n\nMETADATA = {\n    'author': 'x'\n}\n\n\ndef check(candidate):\n    assert candidate([1, 2]) == [2, 4]\n",
    "entry_point": "twice",
}
MBPP = {
    "task_id": 11,
    "text": "Write a function to add two numbers.",
    "code": "def add(a, b):\r\n    return a + b",
    "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"],
    "test_setup_code": "",
    "challenge_test_list": [],
}


@pytest.mark.parametrize(
    ("row", "name", "wrong"),
    [(HUMANEVAL, "HumanEval/0", "    return values\n"), (MBPP, "mbpp/11", "def add(a, b):\n    return a")],
    ids=["humaneval", "mbpp"],
)
def test_a_row_becomes_an_example_whose_check_tells_right_from_wrong(row, name: str, wrong: str, tmp_path: Path, monkeypatch, capsys):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "test.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / "set")])
    runpy.run_path(str(SCRIPT))
    (tmp_path / "made.jsonl").write_text(capsys.readouterr().out)
    (example,) = [e for split in ("dev", "test") for e in _examples(tmp_path / "made.jsonl", split)]
    assert example.id == name
    programs = [example.prompt + text for text in (example.references[0], wrong)]
    assert passed(programs, [str(example.check)] * 2, limits=Limits(seconds=2)) == [True, False]


def _examples(path: Path, split: str) -> list:
    try:
        return load_task(path, split=split).examples()
    except ValueError:  # the only line falls to the other split
        return []
