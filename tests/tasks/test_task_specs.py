"""Parameters behind a task's name, of ours and of other packages' tasks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edt_sampling.tasks import load_task

OTHER = """
from edt_sampling.tasks import Example, Task

class OtherTask(Task):
    fingerprint = "0" * 12

    def __init__(self, *, split, size="1", from_="nowhere"):
        self.name, self.split, self.size, self.place = "other", split, int(size), from_

    def read(self, limit):
        return [Example(id=str(i), prompt="p", references=("r",)) for i in range(self.size)][:limit]
"""


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parametertask.py").write_text(OTHER)
    metadata = tmp_path / "parametertask-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: parametertask\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[edt_sampling.tasks]\nother = parametertask:OtherTask\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("other")
def test_another_packages_task_takes_parameters_as_texts() -> None:
    task = load_task("other: size = 3 , from=/a/b=c:d", split="dev")
    assert (len(task.examples()), task.place, task.split) == (3, "/a/b=c:d", "dev")
    assert len(load_task("other").examples()) == 1


@pytest.mark.usefixtures("other")
def test_another_packages_unknown_parameter_and_fresh_are_refused() -> None:
    with pytest.raises(ValueError, match="task other: 'sizes' is not one of its parameters: size, from"):
        load_task("other:sizes=3")
    with pytest.raises(ValueError, match="other: fresh is for tasks on installed packages"):
        load_task("other", fresh=True)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("xlsum:lang=french", "task xlsum: 'lang' is not one of its parameters: language, max_characters, from, revision"),
        ("xlsum:split=dev", "task xlsum: 'split' is not one of its parameters"),
        ("docstrings-summary:fresh=yes", "task docstrings-summary: 'fresh' is not one of its parameters: it has none"),
        ("xlsum:french", "task 'xlsum:french': expected name=value, got 'french'"),
        ("xlsum:language=", "task 'xlsum:language=': expected name=value, got 'language='"),
        ("xlsum:language=thai,language=thai", "language is given twice"),
        ("xlsum:language=klingon", "xlsum: language must be one of amharic, arabic, "),
        ("xlsum:max_characters=0", "xlsum: max_characters must be a whole number >= 1, got '0'"),
        ("xlsum:max_characters=2.5", "xlsum: max_characters must be a whole number >= 1, got '2.5'"),
        ("quac:history=-1", "quac: history must be a whole number >= 0, got '-1'"),
        ("quac:answerable=maybe", "quac: answerable must be one of yes, no, both, got 'maybe'"),
        ("wmt19:from=a,revision=b", "wmt19: revision is the hub's, and from is a copy on this machine: give one of them"),
        ("xlsums:language=thai", "unknown task 'xlsums'; did you mean 'xlsum'?"),
    ],
)
def test_a_bad_spec_is_told_in_one_line(spec: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        load_task(spec)
    assert "\n" not in str(caught.value)


def test_fresh_is_not_for_data_sets() -> None:
    with pytest.raises(ValueError, match=re.escape("wmt19: fresh is for tasks on installed packages (docstrings-summary, docstrings-q")):
        load_task("wmt19", fresh=True)


def test_a_tasks_name_is_its_spec_without_defaults_and_without_places() -> None:
    assert load_task("xlsum:language=english,from=/nowhere").name == "xlsum"
    assert load_task("xlsum: max_characters=3000, language=thai, revision=main").name == "xlsum:language=thai,max_characters=3000"
    assert load_task("quac:answerable=both,history=2").name == "quac:answerable=both,history=2"
    assert load_task("ms_marco:answerable=yes").name == "ms_marco"
