"""``edt compare`` and ``edt export`` end to end on a fake engine; every expected failure in one line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_run import FakeEngine, FakeTask

import edt_sampling.engines
import edt_sampling.tasks
from edt_sampling.cli import main
from edt_sampling.cli.group import COMMANDS
from edt_sampling.experiments.recipe import Recipe

SMALL = ["compare", "--samples", "2", "--policy", "fixed:temperature=0", "--policy", "edt:t0=1,theta=0.5"]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    """The engine that the command gets, on four prompts, in an empty current folder."""
    engine = FakeEngine()
    monkeypatch.setattr(edt_sampling.engines, "load_engine", lambda name, **options: engine)
    monkeypatch.setattr(edt_sampling.tasks, "load_task", lambda name, **options: FakeTask(4))
    monkeypatch.chdir(tmp_path)
    return engine


def test_compare_prints_the_plan_the_table_and_what_to_do_next(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    assert main(SMALL) == 0
    out, err = capsys.readouterr()
    assert "2 settings x 4 prompts x 2 samples x 1 seeds = 16 texts" in err
    assert "4 prompts could detect" in err
    assert "0.075, as measured on the default grid with K = 5" in err
    assert "4 of 4 prompts" in err
    assert "ROUGE-L" in out
    folder = next(Path("runs").iterdir())
    assert f"edt export {folder}" in err


def test_a_second_call_goes_on_and_prints_the_same_table(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    main([*SMALL, "--json"])
    first = capsys.readouterr().out
    fake.asked.clear()
    assert main([*SMALL, "--json", "--metrics", "rouge_l,self_bleu,distinct_n:n=2,eda,length"]) == 0
    second = capsys.readouterr()
    assert fake.asked == []
    assert "4 of 4 prompts are done" in second.err
    assert json.loads(second.out) == json.loads(first)


def test_export_writes_json_lines(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    main(SMALL)
    folder = str(next(Path("runs").iterdir()))
    capsys.readouterr()
    assert main(["export", folder]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 16
    assert json.loads(lines[0])["example"] == "x0"
    assert main(["export", folder, "--out", "texts.jsonl"]) == 0
    assert Path("texts.jsonl").read_text().splitlines() == lines


def test_an_interrupt_says_how_to_go_on_and_another_environment_is_told(fake: FakeEngine, monkeypatch: Any, capsys: Any):
    generate = fake.generate

    def interrupted(requests: Any) -> Any:
        if len(fake.asked) == 1:
            raise KeyboardInterrupt
        return generate(requests)

    monkeypatch.setattr(fake, "generate", interrupted)
    assert main(SMALL) == 130
    assert "stopped; 1 of 4 prompts are done and kept: the same command goes on" in capsys.readouterr().err
    fake.description["threads"] = 7
    monkeypatch.setattr(fake, "generate", generate)
    assert main(SMALL) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "threads 2 -> 7" in line]
    assert len(told) == 1
    assert told[0].startswith("edt: warning: ")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["compare", "--policy", "etd:t0=1"], 2, "unknown policy 'etd'; did you mean 'edt'?"),
        (["compare", "--policy", "edt:t0=1,tehta=1"], 2, "policy edt has no parameter 'tehta'"),
        (["compare", "--policy", "edt:t0=1,theta=-0.1"], 2, "edt: theta must be a finite number >= 0, got -0.1"),
        (["compare", "--policy", "edt:t0=-1,theta=1"], 2, "edt: t0 must be a finite number >= 0, got -1.0"),
        (["compare", "--policy", "edt:t0=nan,theta=1"], 2, "got nan"),
        (["compare", "--filters", "top_p=2"], 2, "top_p must be a number > 0 and <= 1"),
        (["compare", "--limit", "0"], 2, "limit (--limit)"),
        (["compare", "--limit", "many"], 2, "'many' is not a valid integer"),
        (["compare", "--seeds", "0,x"], 2, "expected whole numbers split by commas"),
        (["compare", "--split", "train"], 2, "split (--split)"),
        (["compare", "--recipe", "missing.toml"], 2, "missing.toml: No such file or directory"),
        (["compare", "--recipe", "typo.toml"], 2, "unknown field 'smaples'; did you mean 'samples'?"),
        (["compare", "--metrics", "rouge"], 2, "did you mean 'rouge_l'"),
        (["compare", "--samples", "1"], 2, "metric 'self_bleu'"),
        (["compare", "--data", "a.jsonl", "--task", "b"], 2, "--data and --task say the same thing"),
        (["compare", "--data", "missing.jsonl"], 2, "missing.jsonl"),
        (["compare", "--data", "empty.jsonl"], 2, "empty.jsonl"),
        (["compare", "--task", "docstring-summary"], 2, "docstring-summary"),
        (["compare", "--nonsense"], 2, "--nonsense"),
        (["export", "nowhere"], 1, "no run is here"),
        (["export"], 2, "Missing argument 'RUN'"),
        (["comprae"], 2, "comprae"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], status: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.chdir(tmp_path)
    Path("typo.toml").write_text("smaples = 3\n")
    Path("empty.jsonl").write_text("")
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("edt: ")
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("failure", "status", "told"),
    [
        (ImportError("engine transformers needs torch"), 1, "edt: engine transformers needs torch\n"),
        (PermissionError(13, "Permission denied", "/models/x"), 1, "edt: /models/x: Permission denied\n"),
        (OSError("model 'x' cannot be loaded:\n  because"), 1, "edt: model 'x' cannot be loaded: because\n"),
        (FileNotFoundError("model folder 'x' holds no weights"), 2, "edt: model folder 'x' holds no weights\n"),
    ],
)
def test_expected_failures_of_the_engine(failure: Exception, status: int, told: str, fake: FakeEngine, monkeypatch: Any, capsys: Any):
    def load(name: str, **options: Any) -> None:
        raise failure

    monkeypatch.setattr(edt_sampling.engines, "load_engine", load)
    assert main(SMALL) == status
    assert capsys.readouterr().err == told


def test_bugs_keep_their_traceback_and_debug_keeps_all(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fake, "generate", lambda requests: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(SMALL)
    monkeypatch.setenv("EDT_DEBUG", "1")
    with pytest.raises(ValueError, match="unknown policy"):
        main(["compare", "--policy", "etd"])


def test_every_field_of_a_recipe_is_a_flag(capsys: pytest.CaptureFixture[str]):
    assert main(["compare", "--help"]) == 0
    text = capsys.readouterr().out
    for name in set(Recipe.model_fields) - {"methods"} | {"policy"}:
        assert f"--{name.replace('_', '-')}" in text


def test_help_imports_no_command():
    code = (
        "import sys; from edt_sampling.cli import main; main(['--help']); print({'pydantic', 'numpy', 'rich', 'torch'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith("set()\n")
    assert all(name in told.stdout for name in COMMANDS)
