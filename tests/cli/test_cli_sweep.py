"""``edt sweep`` on the bundled model: killed and resumed, drawn again, several tasks together, and mistakes in one line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_run import FakeTask
from fake_sweep import PlacedEngine

import edt_sampling.engines
import edt_sampling.reports.sweep
import edt_sampling.tasks
from edt_sampling.cli import main
from edt_sampling.cli.group import COMMANDS
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.store import Reader, export

GRID = ["sweep", "--t0", "0.5,1", "--theta", "0.1,2", "--dev-limit", "4", "--samples", "2", "--max-new-tokens", "4"]
NOUNS = ("array", "model", "largest eigenvalue", "name")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PlacedEngine:
    """The engine that the command gets, on tasks of six prompts, in an empty current folder."""
    engine = PlacedEngine()
    monkeypatch.setattr(edt_sampling.engines, "load_engine", lambda name, **options: engine)
    monkeypatch.setattr(edt_sampling.tasks, "load_task", lambda name, split, fresh: FakeTask(6, name=name, split=split))
    monkeypatch.chdir(tmp_path)
    return engine


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is a word, for tests of everything else."""
    monkeypatch.setattr(edt_sampling.reports.sweep, "page", lambda findings: f"a page of {len(findings.maps)}")


def texts(folder: Path) -> list[str]:
    with Reader(folder) as reader:
        return list(export(reader))


def test_killed_and_resumed_it_is_the_run_of_an_uninterrupted_one(tmp_path: Path, undrawn: None, capsys: pytest.CaptureFixture[str]):
    lines = [{"prompt": f"Return the {noun}", "references": [f"Return the {noun} of it."], "split": "dev"} for noun in NOUNS]
    data = tmp_path / "mine.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    own = [*GRID, "--data", str(data)]
    command = [sys.executable, "-c", "from edt_sampling.cli import main; main()", *own, "--out", str(tmp_path / "killed")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("1 of 4 prompts"):
                child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert main([*own, "--out", str(tmp_path / "killed")]) == 0
    told = capsys.readouterr().err.splitlines()
    assert f"bundled on {data}: 4 cells on 4 dev prompts" in told
    (stage,) = (line for line in told if line.startswith("sweep: "))
    assert stage.startswith("sweep: 17 settings x 4 prompts x 2 samples x 1 seeds = 136 texts, ")
    assert int(stage.split()[-6]) >= 1, "what was done is not done again"
    assert main([*own, "--out", str(tmp_path / "whole"), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["maps"]
    killed, whole = (texts(next((tmp_path / name).iterdir())) for name in ("killed", "whole"))
    assert killed == whole
    assert (one["task"], one["prompts"]) == (str(data), 4)
    assert [cell["policy"] for cell in one["cells"]] == [
        "edt:t0=0.5,theta=0.1", "edt:t0=0.5,theta=2", "edt:t0=1,theta=0.1", "edt:t0=1,theta=2",
    ]  # fmt: skip
    assert all(cell["values"]["temperature"]["mean"] <= cell["t0"] for cell in one["cells"])


def test_it_ends_with_the_verdict_the_maps_and_where_the_page_is(fake: PlacedEngine, undrawn: None, capsys: pytest.CaptureFixture[str]):
    assert main(GRID) == 0
    out, err = capsys.readouterr()
    (folder,) = Path("runs").iterdir()
    assert out.startswith("No cell of 4 differs from the fixed temperatures at equal diversity on docstrings-summary (4 dev")
    assert out.index("ROUGE-L at equal diversity") < out.index("Self-BLEU\n") < out.index(f"run: {folder.name.rpartition('-')[2]}")
    assert err.splitlines()[-2:] == [f"the page: {folder}/report.html", f"every text: edt export texts {folder} --out texts.jsonl"]
    with Reader(folder) as reader:
        assert reader.stages() == {"sweep": "dev"}


def test_report_draws_it_again_and_its_figures_without_decoding(fake: PlacedEngine, capsys: pytest.CaptureFixture[str]):
    main(GRID)
    (folder,) = Path("runs").iterdir()
    drawn = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    fake.asked.clear()
    capsys.readouterr()
    assert main(["report", str(folder), "--figures", "pictures"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}/report.html"
    assert (folder / "report.html").read_bytes() == drawn
    assert sorted(lines[1:]) == sorted(f"pictures/{path.name}" for path in Path("pictures").iterdir())
    assert {"distance.svg", "plane-1.svg", "best.svg"} <= {path.name for path in Path("pictures").iterdir()}
    assert fake.asked == []


def test_several_tasks_are_a_page_together_and_a_task_that_is_done_stays(
    fake: PlacedEngine, undrawn: None, capsys: pytest.CaptureFixture[str]
):
    assert main([*GRID, "--task", "one"]) == 0
    fake.asked.clear()
    assert main([*GRID, "--task", "one", "--data", "two.jsonl", "--task", "one", "--json"]) == 0
    assert len(fake.asked) == 4, "the second task's prompts alone"
    out, err = capsys.readouterr()
    plain = json.loads(out.splitlines()[-1])
    assert [one["name"] for one in plain["maps"]] == ["one", "two.jsonl"]
    assert len(plain["regrets"]) == 4
    (page,) = Path("runs").glob("sweep-*.html")
    assert f"the page: {page}" in err
    runs = [str(next(Path("runs").glob(f"{name}-*/"))) for name in ("one", "two")]
    page.unlink()
    assert main(["report", *runs]) == 0
    assert page.read_text() == "a page of 2"
    assert not (Path(runs[1]) / "report.html").exists()


def test_other_policies_can_be_swept(fake: PlacedEngine, undrawn: None, capsys: pytest.CaptureFixture[str]):
    assert main([*GRID, "--policy", "udt", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["method"], plain["maps"][0]["cells"][0]["policy"]) == ("UDT", "udt:t0=0.5,theta=0.1")


def test_an_interrupt_says_how_to_go_on(fake: PlacedEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    generate = fake.generate

    def interrupted(requests: Any) -> Any:
        if len(fake.asked) == 2:
            raise KeyboardInterrupt
        return generate(requests)

    monkeypatch.setattr(fake, "generate", interrupted)
    assert main(GRID) == 130
    assert "stopped; 2 prompts of sweep done and kept: the same command goes on" in capsys.readouterr().err.splitlines()
    (folder,) = Path("runs").iterdir()
    assert main(["report", str(folder)]) == 1
    assert capsys.readouterr().err == (
        f"edt: {folder}/run.sqlite: this run is not complete (2 of 4 prompts): the same edt sweep goes on with it\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--t0", "0.5,x"], "expected numbers split by commas, got '0.5,x'"),
        (["--theta", ""], "theta must hold one number or more, each once, got none"),
        (["--t0", "0.5,0.5"], "t0 must hold one number or more, each once, got 0.5, 0.5"),
        (["--theta", "-1"], "edt: theta must be a finite number >= 0, got -1"),
        (["--policy", "fixed"], "policy fixed has no parameter 't0'"),
        (["--policy", "etd"], "did you mean 'edt'"),
        (["--metrics", "rouge_l"], "a verdict needs self_bleu"),
        (["--dev-limit", "1"], "dev_limit (--dev-limit)"),
        (["--limit", "4"], "--limit"),
        (["--task", "docstring-summary"], "docstring-summary"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("edt: ")
    assert told in err
    assert err.count("\n") == 1
    assert not Path("runs").exists()


def test_runs_that_cannot_be_drawn_together_are_refused(fake: PlacedEngine, undrawn: None, capsys: pytest.CaptureFixture[str]):
    main(GRID)
    main([*GRID, "--theta", "0.1,1"])
    capsys.readouterr()
    assert main(["report", *map(str, sorted(Path("runs").iterdir()))]) == 2
    assert "holds another grid than" in capsys.readouterr().err


def test_every_field_of_a_recipe_but_those_of_test_prompts_is_a_flag(capsys: pytest.CaptureFixture[str]):
    assert main(["sweep", "--help"]) == 0
    text = capsys.readouterr().out
    for name in set(Recipe.model_fields) - {"methods", "limit", "until"} | {"t0", "theta", "policy", "data", "recipe", "out", "json"}:
        assert f"--{name.replace('_', '-')}" in text
    assert "--until" not in text
    assert "0.5,0.7,0.9,1.1,1.3,1.5" in text
    assert "0.1,0.2,0.5,1,2,5" in text
    assert "sweep" in COMMANDS
