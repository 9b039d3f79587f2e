"""``edt tasks``: the list, and one example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hub_copies import write_quac, write_wmt19

from edt_sampling.cli import main
from edt_sampling.tasks import TASKS, load_task
from edt_sampling.tasks.hub import PARAMETERS
from edt_sampling.tasks.languages import LANGUAGES


def test_the_list_has_every_task_with_its_parameters_and_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in TASKS.built_in:
        assert f"{name}" in shown
        assert load_task(name).metrics[0] in shown
    for language in LANGUAGES:
        assert language in shown
    for told in ("csebuetnlp/xlsum", "allenai/quac", "microsoft/ms_marco", "wmt/wmt19", "FILE.jsonl", *PARAMETERS.values()):
        assert told in shown
    assert shown.count("none is needed") == sum(bool(c and c.offline) for c in (load_task(name).card for name in TASKS.built_in)) > 0


def test_listing_imports_no_data_library_and_asks_no_network() -> None:
    code = """
import socket, sys
socket.socket.connect = lambda *_: (_ for _ in ()).throw(AssertionError("the network was asked"))
from edt_sampling.cli import main
main(["tasks"])
print([m for m in ("datasets", "pyarrow", "huggingface_hub", "sacrebleu", "torch") if m in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_another_packages_task_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = tmp_path / "listedtask-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: listedtask\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[edt_sampling.tasks]\nlisted = listedtask:never_imported\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["tasks"]) == 0
    assert "listed: of another package (listedtask:never_imported)" in capsys.readouterr().out


def test_an_example_is_shown_with_all_that_is_known_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_quac(tmp_path)
    task = load_task(f"quac:from={tmp_path}", split="test")
    example = task.examples()[3]
    assert main(["tasks", "show", f"quac:from={tmp_path}", "--split", "test", "--index", "3"]) == 0
    shown = capsys.readouterr().out
    assert f"fingerprint  {task.fingerprint}" in shown
    assert f"prompt of {example.id}, its evidence in colour" in shown
    assert f"\n{example.prompt}\n" in shown
    assert f"\n{example.prompt_without_evidence}\n" in shown
    for reference in example.references:
        assert f"\n{reference}\n" in shown
    assert "95 fall to test; all were looked at: 76 examples" in shown
    assert "it has no answer: 19" in shown


def test_the_evidence_is_coloured_where_colour_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wmt19(tmp_path)
    (example,) = load_task(f"wmt19:from={tmp_path}", split="dev").examples(1)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["tasks", "show", f"wmt19:from={tmp_path}"]) == 0
    assert f"English: \x1b[1;36m{example.evidence}\x1b[0m\n" in capsys.readouterr().out


def test_a_file_of_ones_own_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"prompt": "Say [b]it[/b].", "reference": "it", "split": "dev"}\n')
    assert main(["tasks", "show", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "Say [b]it[/b]." in shown
    assert "without evidence" not in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["docstrings-summary", "--index", "400"], "edt: index must be below 400, the examples of docstrings-summary in dev, got 400"),
        (["docstrings-sumary"], "did you mean 'docstrings-summary'?"),
        (["xlsum:language=latin"], "edt: xlsum: language must be one of amharic, "),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(["tasks", "show", *arguments]) == 2
    stderr = capsys.readouterr().err
    assert told in stderr
    assert stderr.count("\n") == 1
