"""``edt report`` and ``edt export``: a stored run as a page and as JSON lines, without an engine."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_run import FakeEngine, FakeTask, compare, exported, fake_comparison

import edt_sampling.engines
import edt_sampling.tasks
from edt_sampling.cli import main

METHODS = [
    {"name": "Fixed", "policies": ["fixed:temperature=0.2", "fixed:temperature=1"]},
    {"name": "EDT", "policies": ["edt:t0=0.5,theta=0.5"]},
]


def comparison() -> Any:
    return fake_comparison(3, dev=2, methods=METHODS)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    compare(comparison(), out)
    return comparison().folder(out)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run of which one test prompt is done."""

    class Stopping(FakeEngine):
        def generate(self, requests: Any) -> Any:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().generate(requests)

    with pytest.raises(KeyboardInterrupt):
        compare(comparison(), tmp_path, Stopping())
    return comparison().folder(tmp_path)


def test_report_writes_the_page_that_compare_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(edt_sampling.engines, "load_engine", lambda name, **options: FakeEngine())
    monkeypatch.setattr(edt_sampling.tasks, "load_task", lambda name, split, fresh: FakeTask(3, split=split))
    monkeypatch.chdir(tmp_path)
    policies = [part for method in METHODS for policy in method["policies"] for part in ("--policy", policy)]
    assert main(["compare", "--samples", "2", *policies]) == 0
    folder = next(Path("runs").iterdir())
    drawn = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    capsys.readouterr()
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}/report.html\n"
    assert (folder / "report.html").read_bytes() == drawn
    assert main(["report", str(folder / "run.sqlite"), "--out", "page.html"]) == 0
    assert capsys.readouterr().out == "page.html\n"
    assert Path("page.html").read_bytes() == drawn


def test_report_refuses_a_run_that_is_not_complete(stopped: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(stopped)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"edt: {stopped}/run.sqlite: this run is not complete (stage test): the same edt compare goes on with it\n"
    assert not (stopped / "report.html").exists()


def test_export_writes_json_lines(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "texts", str(run)]) == 0
    out, err = capsys.readouterr()
    assert out == exported(comparison(), run.parent) + "\n"
    assert err == ""
    assert {json.loads(line)["kind"] for line in out.splitlines()} == {"run", "example", "setting", "text", "forced"}
    assert main(["export", "texts", str(run), "--out", str(tmp_path / "texts.jsonl")]) == 0
    assert (tmp_path / "texts.jsonl").read_text(encoding="utf-8") == out


def test_export_of_a_run_that_is_not_complete_says_what_is_missing(stopped: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["export", "texts", str(stopped)]) == 0
    out, err = capsys.readouterr()
    assert err == "edt: this run is not complete: stage test has 1 of 3 prompts\n"
    texts = [line for line in map(json.loads, out.splitlines()) if line["kind"] == "text" and line["stage"] == "test"]
    assert {line["unit"] for line in texts} == {0}
