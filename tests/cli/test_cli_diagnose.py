"""``edt diagnose`` on the bundled model with four prompts: killed and gone on with; sheet and ratings; refusals in one line."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from markupsafe import Markup

import edt_sampling.engines
from edt_sampling.cli import main
from edt_sampling.store import Reader, export

EXAMPLES = {
    "Return the sum of the elements along an axis.\n\nOne-line summary:": "Sum of elements over an axis.",
    "Compute the mean of an array.\n\nOne-line summary:": "Mean of an array.",
    "Parse a string into a date.\n\nOne-line summary:": "Parse a date.",
    "Raise an error if the value is negative.\n\nOne-line summary:": "Check that a value is not negative.",
}
SMALL = ["diagnose", "--data", "examples.jsonl", "--limit", "4", "--samples", "2", "--max-new-tokens", "12", "--threads", "1"]
SMALL += ["--policy", "edt:t0=1,theta=1"]
STAGES = ["forced-dev", "samples", "read"]


@pytest.fixture(autouse=True, scope="module")
def quick():
    """Fewer resamples, and drawings that are empty: tests/reports draws them."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("estimates", "outcomes", "acting"):
            patched.setattr(f"edt_sampling.experiments.diagnosis.{module}.RESAMPLES", 200)
        patched.setattr("edt_sampling.reports.charts.figure.draw", lambda spec: Markup('<svg width="1" height="1"></svg>'))
        yield


@pytest.fixture(autouse=True, scope="module")
def here(tmp_path_factory: pytest.TempPathFactory):
    """A current folder with four examples, all of dev."""
    folder = tmp_path_factory.mktemp("here")
    lines = [json.dumps({"prompt": prompt, "references": [text], "split": "dev"}) for prompt, text in EXAMPLES.items()]
    (folder / "examples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole")
    assert main([*SMALL, "--out", str(out), "--json"]) == 0
    return next(out.iterdir())


def lines(folder: Path) -> list[str]:
    with Reader(folder) as reader:
        return list(export(reader))


def killed_at(out: Path, words: str) -> None:
    """Starts the command in a process of its own and kills it once it has said these words."""
    command = [sys.executable, "-c", "from edt_sampling.cli import main; main()", *SMALL, "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as child:
        for line in child.stderr:
            if line.startswith(words):
                child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def test_killed_and_gone_on_with_it_is_the_same_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    killed_at(tmp_path, "read:")
    folder = next(tmp_path.iterdir())
    with Reader(folder) as reader:
        assert len(reader.done("samples")) == 4
        assert len(reader.done("read")) < 4
    capsys.readouterr()
    assert main([*SMALL, "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "4 of 4 prompts are done" in err
    assert lines(folder) == lines(run)
    assert (folder / "report.html").read_bytes() == (run / "report.html").read_bytes()
    _the_table(out, folder)


def _the_table(out: str, folder: Path) -> None:
    """What stands in the terminal."""
    first = " ".join(out.split())
    assert first.startswith("On this model and task entropy ")
    assert "right tokens (AUROC 0." in first
    assert first.index("how well it ranks") < first.index("surest third less the rest") < first.index("right where cooled")
    assert f"run: {folder.name.rpartition('-')[2]}, 4 dev prompts" in first
    assert "Not judged: memory growth (engine)" in first


def test_report_draws_the_page_again_and_its_figures(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(run), "--out", str(tmp_path / "page.html"), "--figures", str(tmp_path / "figures")]) == 0
    assert (tmp_path / "page.html").read_bytes() == (run / "report.html").read_bytes()
    assert len(list((tmp_path / "figures").glob("*.svg"))) == 5


def test_a_sheet_goes_out_and_ratings_come_back(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    again = [*SMALL, "--out", str(run.parent), "--json"]
    sheet = tmp_path / "ann.csv"
    assert main([*again, "--human", str(sheet), "--steps", "12"]) == 0
    out, err = capsys.readouterr()
    assert [o["name"] for o in json.loads(out)["outcomes"][:3]] == ["right token", "right token", "ROUGE-L, fixed:temperature=1"]
    assert all(f"{stage}: " in err for stage in STAGES)
    assert f"the sheet: {sheet}; what its raters must know: {tmp_path}/ann.md" in err
    assert err.splitlines()[-1] == f"the page: {run}/report.html"
    with sheet.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 12
    assert all("TEXT SO FAR" in row["context"] and row["chosen"].startswith("“") for row in rows)
    _fill(sheet, rows, ["9"] + ["3"] * 11)
    capsys.readouterr()
    assert main([*again, "--ratings", str(sheet)]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-2].startswith(f"edt: ratings {sheet}, line ")
    assert err[-2].endswith("certain must be a whole number from 1 to 5, or empty, got '9'")
    assert err[-1] == "edt: ratings: 1 mistakes, so nothing was kept: mend them and give the same command"
    _fill(sheet, rows, [str(1 + i % 5) for i in range(12)])
    assert main([*again, "--ratings", str(sheet)]) == 0
    assert json.loads(capsys.readouterr().out)["human"] == {"raters": ["ann"], "items": 12, "certain": None, "acceptable": None}


def _fill(path: Path, rows: list[dict[str, str]], certain: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(row | {"certain": value, "acceptable": "1"} for row, value in zip(rows, certain, strict=True))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--policy", "edt:t0=-1"], "policies (--policy): "),
        (["--samples", "1"], "samples (--samples): input should be greater than or equal to 2, got 1"),
        (["--dropout", "1"], "dropout (--dropout): must be two passes or more, got 1"),
        (["--task", "b"], "--data and --task say the same thing: give one of them"),
        (["--metrics", "self_bleu"], "metrics: a verdict needs self_bleu and a metric that reads references"),
        (["--ratings", "a/x.csv", "--ratings", "b/x.csv"], "ratings: each file is one rater's and called after it, and two are called 'x'"),
        (["--dropout", "3"], "dropout: no dropout probability of this model's config is above 0"),
        (["--checkpoints", "nowhere"], "model 'nowhere'"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run: Path, flags: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    assert main([*SMALL, "--out", str(run.parent), *flags]) in (1, 2)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("edt: ")
    assert told in last


def test_an_interrupt_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    real = edt_sampling.engines.load_engine

    def stopping(name: str, **options):
        engine = real(name, **options)
        monkeypatch.setattr(engine, "generate", lambda requests: (_ for _ in ()).throw(KeyboardInterrupt))
        return engine

    monkeypatch.setattr(edt_sampling.engines, "load_engine", stopping)
    assert main([*SMALL, "--out", str(tmp_path)]) == 130
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told == "stopped; 4 prompts of forced-dev, 0 prompts of samples done and kept: the same command goes on"
