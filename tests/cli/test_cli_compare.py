"""``edt compare`` end to end on a fake engine; every expected failure in one line."""

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

SMALL = ["compare", "--samples", "2", "--dev-limit", "3"]
SMALL += [part for spec in ("fixed:temperature=0.2", "fixed:temperature=1", "edt:t0=0.5,theta=0.5") for part in ("--policy", spec)]
STAGES = ["forced-dev", "dev", "forced-test", "test", "shuffled"]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeEngine:
    """The engine that the command gets, on four prompts of each split, in an empty current folder."""
    engine = FakeEngine()
    monkeypatch.setattr(edt_sampling.engines, "load_engine", lambda name, **options: engine)
    monkeypatch.setattr(edt_sampling.tasks, "load_task", lambda name, split, fresh: FakeTask(4, split=split))
    monkeypatch.chdir(tmp_path)
    return engine


def test_compare_ends_with_the_verdict_the_table_and_where_the_page_is(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    assert main(SMALL) == 0
    out, err = capsys.readouterr()
    _told_on_the_way(err.splitlines())
    folder = next(Path("runs").iterdir())
    first, *_ = out.splitlines()
    assert "edt (edt:t0=0.5,theta=0.5)" in first
    assert out.index("at equal diversity") < out.index("on test") < out.index(f"run: {folder.name.rpartition('-')[2]}, 3 dev and 4 test")
    assert err.splitlines()[-2:] == [f"the page: {folder}/report.html", f"every text: edt export texts {folder} --out texts.jsonl"]
    assert (folder / "report.html").read_text().lower().startswith("<!doctype html>")


def _told_on_the_way(told: list[str]) -> None:
    assert told[0] == "bundled on fake: 3 dev prompts choose, 4 test prompts judge"
    assert told[1].startswith("4 test prompts find an effect of 0.")
    assert "as measured with the bundled model" in told[1]
    folder = next(Path("runs").iterdir())
    assert told[2] == f"store: {folder}/run.sqlite"
    stages = [line for line in told if line.partition(":")[0] in STAGES]
    assert [line.partition(":")[0] for line in stages] == STAGES
    assert stages[1] == "dev: 3 settings x 3 prompts x 2 samples x 1 seeds = 18 texts"
    assert stages[0].endswith(" settings x 3 prompts")
    assert stages[3] == "test: 6 settings x 4 prompts x 2 samples x 1 seeds = 48 texts"
    assert stages[4] == "shuffled: 1 settings x 4 prompts x 2 samples x 1 seeds = 8 texts"
    assert sum("4 of 4 prompts" in line for line in told) == 3
    chose = next(i for i, line in enumerate(told) if line.startswith("dev chose edt (edt:t0=0.5,theta=0.5); "))
    assert told.index(stages[1]) < chose < told.index(stages[2])


def test_a_second_call_goes_on_and_prints_the_same_findings(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    main([*SMALL, "--json"])
    first = capsys.readouterr().out
    page = next(Path("runs").iterdir()) / "report.html"
    drawn = page.read_bytes()
    fake.asked.clear()
    assert main([*SMALL, "--json", "--metrics", "rouge_l,self_bleu,distinct_n:n=2,eda,length"]) == 0
    second = capsys.readouterr()
    assert fake.asked == []
    assert sum("4 of 4 prompts are done" in line for line in second.err.splitlines()) == 3
    assert second.out == first
    assert page.read_bytes() == drawn


def test_json_is_one_line_of_valid_json_and_out_another_folder(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    assert main([*SMALL, "--json", "--out", "elsewhere"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert not Path("runs").exists()
    assert (next(Path("elsewhere").iterdir()) / "run.sqlite").exists()
    plain = json.loads(out, parse_constant=refuse)
    assert (plain["subject"], plain["test_prompts"], plain["effects"][0]["method"]) == ("edt", 4, "edt")


def test_other_metrics_are_scored_without_the_engine(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    main(SMALL)
    fake.asked.clear()
    assert main([*SMALL, "--metrics", "bleu,self_bleu", "--json"]) == 0
    assert fake.asked == []
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["primary"] == "bleu"


def test_more_prompts_go_on_in_the_same_run_and_fewer_are_refused(fake: FakeEngine, capsys: pytest.CaptureFixture[str]):
    assert main([*SMALL, "--limit", "2"]) == 0
    fake.asked.clear()
    assert main([*SMALL, "--limit", "4", "--json"]) == 0
    assert len(fake.asked) == 4, "two prompts of test and of shuffled"
    captured = capsys.readouterr()
    assert "2 of 4 prompts are done" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["sequential"] is True
    assert len(list(Path("runs").iterdir())) == 1
    assert main([*SMALL, "--limit", "3"]) == 1
    assert "holds 4 test prompts already; give --limit 4 or more, or --out another folder" in capsys.readouterr().err.splitlines()[-1]


def test_until_looks_and_says_so(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("edt_sampling.experiments.compare.FIRST_LOOK", 3)
    assert main([*SMALL, "--limit", "2", "--until", "5", "--json"]) == 0
    captured = capsys.readouterr()
    assert "4 test prompts: widest interval of those not seen" in captured.err
    assert json.loads(captured.out)["sequential"] is True


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (1, "3 prompts of forced-dev, 1 prompts of dev"),
        (5, "3 prompts of forced-dev, 3 prompts of dev, 4 prompts of forced-test, 2 prompts of test"),
    ],
)
def test_an_interrupt_says_how_to_go_on_and_another_environment_is_told(
    at: int, told: str, fake: FakeEngine, monkeypatch: Any, capsys: Any
):
    generate = fake.generate

    def interrupted(requests: Any) -> Any:
        if len(fake.asked) == at:
            raise KeyboardInterrupt
        return generate(requests)

    monkeypatch.setattr(fake, "generate", interrupted)
    assert main(SMALL) == 130
    assert f"stopped; {told} done and kept: the same command goes on" in capsys.readouterr().err.splitlines()
    fake.description["threads"] = 7
    monkeypatch.setattr(fake, "generate", generate)
    assert main(SMALL) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "threads 2 -> 7" in line]
    assert len(warned) == 1
    assert warned[0].startswith("edt: warning: ")


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["compare", "--policy", "etd:t0=1"], 2, "unknown policy 'etd'; did you mean 'edt'?"),
        (["compare", "--policy", "edt:t0=1,tehta=1"], 2, "policy edt has no parameter 'tehta'"),
        (["compare", "--policy", "edt:t0=1,theta=-0.1"], 2, "edt: theta must be a finite number >= 0, got -0.1"),
        (["compare", "--policy", "edt:t0=-1,theta=1"], 2, "edt: t0 must be a finite number >= 0, got -1.0"),
        (["compare", "--policy", "edt:t0=nan,theta=1"], 2, "got nan"),
        (["compare", "--policy", "fixed:temperature=1"], 2, "two or more of them above 0: the curve to be held against"),
        (["compare", "--policy", "fixed:temperature=1", "--policy", "fixed:temperature=0.5"], 2, "a method to judge"),
        (["compare", "--filters", "top_p=2"], 2, "top_p must be a number > 0 and <= 1"),
        (["compare", "--limit", "1"], 2, "limit (--limit)"),
        (["compare", "--dev-limit", "1"], 2, "dev_limit (--dev-limit)"),
        (["compare", "--limit", "many"], 2, "'many' is not a valid integer"),
        (["compare", "--until", "0"], 2, "until (--until): input should be greater than 0, got 0.0"),
        (["compare", "--until", "nan"], 2, "until (--until)"),
        (["compare", "--seeds", "0,x"], 2, "expected whole numbers split by commas"),
        (["compare", "--split", "test"], 2, "--split"),
        (["compare", "--recipe", "missing.toml"], 2, "missing.toml: No such file or directory"),
        (["compare", "--recipe", "typo.toml"], 2, "unknown field 'smaples'; did you mean 'samples'?"),
        (["compare", "--metrics", "rouge"], 2, "did you mean 'rouge_l'"),
        (["compare", "--metrics", "rouge_l"], 2, "a verdict needs self_bleu and a metric that reads references"),
        (["compare", "--samples", "1"], 2, "samples (--samples): input should be greater than or equal to 2, got 1"),
        (["compare", "--data", "a.jsonl", "--task", "b"], 2, "--data and --task say the same thing"),
        (["compare", "--data", "missing.jsonl"], 2, "missing.jsonl"),
        (["compare", "--data", "empty.jsonl"], 2, "empty.jsonl"),
        (["compare", "--task", "docstring-summary"], 2, "docstring-summary"),
        (["compare", "--nonsense"], 2, "--nonsense"),
        (["export", "texts", "nowhere"], 1, "no run is here"),
        (["export", "texts"], 2, "Missing argument 'RUN'"),
        (["report", "nowhere"], 1, "no run is here"),
        (["report"], 2, "Missing argument 'RUN...'"),
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


def test_splits_that_share_an_example_are_refused(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    monkeypatch.setattr(edt_sampling.tasks, "load_task", lambda name, split, fresh: FakeTask(4, split="both"))
    assert main(SMALL) == 2
    assert capsys.readouterr().err == "edt: task fake: example 'both0' stands in dev and in test\n"
    assert not Path("runs").exists()


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
    for name in set(Recipe.model_fields) - {"methods"} | {"policy", "data", "recipe", "out", "json"}:
        assert f"--{name.replace('_', '-')}" in text
    assert "--split" not in text


def test_help_imports_no_command():
    code = (
        "import sys; from edt_sampling.cli import main; main(['--help']); print({'pydantic', 'numpy', 'rich', 'torch'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith("set()\n")
    assert all(name in told.stdout for name in COMMANDS)
