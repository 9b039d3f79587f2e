"""``load_task``: names, files, splits, entry points, and the one line for everything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edt_sampling.tasks import load_task

OTHER = """
from edt_sampling.tasks import Example, Task

class OtherTask(Task):
    fingerprint = "0" * 12

    def __init__(self, *, split, fresh):
        self.name, self.split = "other", split

    def read(self, limit):
        return [Example(id="1", prompt="p", references=("r",))][:limit]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text(
        "".join(json.dumps({"prompt": f"p{i}", "reference": "r", "split": "dev" if i % 3 else "test"}) + "\n" for i in range(15))
    )
    return path


@pytest.mark.parametrize(("split", "first"), [("dev", ["p1", "p2", "p4", "p5", "p7"]), ("test", ["p0", "p3", "p6", "p9", "p12"])])
def test_a_file_has_splits(file: Path, split: str, first: list[str]) -> None:
    task = load_task(file, split=split)
    assert [e.prompt for e in task.examples(5)] == first
    assert (task.split, task.name, task.notice) == (split, str(file), None)


def test_a_file_needs_no_suffix_if_it_exists(file: Path) -> None:
    other = file.rename(file.with_name("mine"))
    assert len(load_task(str(other)).examples(3)) == 3


def test_the_limit_is_at_most(file: Path) -> None:
    assert len(load_task(file).examples(99)) == 5
    with pytest.raises(ValueError, match="limit must be >= 1, got 0"):
        load_task(file).examples(0)


def test_the_fingerprint_is_of_the_content(file: Path) -> None:
    before = load_task(file).fingerprint
    assert load_task(file.rename(file.with_name("other.jsonl"))).fingerprint == before
    (file.with_name("other.jsonl")).write_text('{"prompt": "p", "reference": "r", "split": "test"}')
    assert load_task(file.with_name("other.jsonl")).fingerprint != before


def test_an_unknown_name_is_met_with_the_nearest_and_the_list() -> None:
    with pytest.raises(ValueError, match=r"unknown task 'docstring-sumary'.*did you mean 'docstrings-summary'\?.*docstrings-question"):
        load_task("docstring-sumary")


def test_an_unknown_split_is_named() -> None:
    with pytest.raises(ValueError, match="split must be one of train, dev, test, got 'tset'"):
        load_task("docstrings-summary", split="tset")


def test_the_frozen_tasks_have_no_train_split() -> None:
    with pytest.raises(ValueError, match="docstrings-question: split must be one of dev, test, got 'train'"):
        load_task("docstrings-question", split="train")


def test_fresh_is_not_for_files(file: Path) -> None:
    with pytest.raises(ValueError, match="fresh is for tasks on installed packages"):
        load_task(file, fresh=True)


def test_another_packages_task_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "othertask.py").write_text(OTHER)
    metadata = tmp_path / "othertask-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: othertask\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[edt_sampling.tasks]\nother = othertask:OtherTask\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_task("other", split="dev").examples()[0].prompt == "p"
