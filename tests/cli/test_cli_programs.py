"""edt compare on programs: nothing runs unless it is allowed, and where every output fails the verdict says so."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_run import FakeEngine

import edt_sampling.engines
from edt_sampling.cli import main

ASKED = ["compare", "--task", "programs", "--samples", "2", "--dev-limit", "2", "--limit", "3", "--threads", "2"]
ASKED += [part for spec in ("fixed:temperature=0.2", "fixed:temperature=1", "edt:t0=0.5,theta=0.5") for part in ("--policy", spec)]


class Programmer(FakeEngine):
    """Writes ``pass``, and at a fixed temperature of 0.2 what solves programs/10 and nothing else, half of the time."""

    able = False

    def complete(self, request: Any, setting: int, sample: int) -> Any:
        found = super().complete(request, setting, sample)
        cold = getattr(request.settings[setting].policy, "temperature", 1) == 0.2
        solved = self.able and cold and sample == 0 and request.prompt.startswith("def zigzag")
        body = "    found = []\n    for i, row in enumerate(grid):\n        found += row[:: -1 if i % 2 else 1]\n    return found\n"
        text = body if solved else f"    pass  # {sample}\n"
        return type(found)(**found.__dict__ | {"text": text})


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Programmer:
    engine = Programmer()
    monkeypatch.setattr(edt_sampling.engines, "load_engine", lambda name, **options: engine)
    monkeypatch.chdir(tmp_path)
    return engine


def test_without_leave_nothing_runs_and_nothing_is_generated(fake: Programmer, capsys: Any):
    assert main(ASKED) == 2
    told = "edt: metric passes runs programs that the model wrote, on this machine: allow that with --run-code\n"
    assert capsys.readouterr().err == told
    assert fake.asked == []
    assert not Path("runs").exists()


def test_where_every_output_fails_the_verdict_and_the_page_say_so(fake: Programmer, capsys: Any):
    assert main([*ASKED, "--run-code"]) == 0
    out, _ = capsys.readouterr()
    head = "Nothing can be told: edt (edt:t0=0.5,theta=0.5) and the fixed temperatures scored alike in pass@1 on every prompt."
    assert " ".join(out.splitlines()[:2]).replace("  ", " ").startswith(head)
    assert "every setting scored 0 pass@1 on every prompt of test: no setting can be told from another" in out
    assert "scored alike" in out
    assert "could have seen" not in out
    (run,) = Path("runs").iterdir()
    page = (run / "report.html").read_text()
    assert "Nothing can be told" in page
    assert "NaN" not in page
    assert "the most there can be, because the best setting scored 0 on dev" in page


def test_a_stored_run_needs_leave_again_and_fewer_lines_change_nothing(fake: Programmer, capsys: Any):
    fake.able = True
    assert main([*ASKED, "--run-code", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    passes = {(r["stage"], r["policy"]): r["values"]["passes"]["mean"] for r in found["rows"]}
    assert passes["test", "fixed:temperature=0.2"] == pytest.approx(1 / 2 / 3), "half of the texts of one of three prompts"
    assert found["primary"] == "passes"
    assert found["signatures"]["passes"].startswith("pass@1|")
    (run,) = Path("runs").iterdir()
    page = (run / "report.html").read_text()
    assert main(["report", str(run)]) == 2
    assert "allow that with --run-code" in capsys.readouterr().err
    assert main(["report", str(run), "--run-code"]) == 0
    assert (run / "report.html").read_text() == page
    assert main(["failures", str(run), "--run-code"]) == 0
    assert "lowest mean pass@1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"prompt": "a = ", "reference": "1"}, "is missing: metric passes needs examples with a check"),
        ({"prompt": "a = ", "reference": "1", "check": "assert a == 2"}, "the reference of example 1 fails its own check; mend or drop it"),
        ({"prompt": "a = ", "reference": "1", "check": ""}, "line 1: check is empty"),
    ],
)
def test_a_file_whose_checks_are_of_no_use_is_refused(line: dict[str, str], told: str, fake: Programmer, capsys: Any):
    lines = [{**line, "split": split} for split in ("dev", "test")]
    Path("mine.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    metrics = ["--metrics", "passes,self_bleu"]
    assert main([*ASKED[:1], "--data", "mine.jsonl", *ASKED[3:], *metrics, "--run-code"]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert fake.asked == []
