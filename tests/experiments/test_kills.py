"""Twenty SIGKILLs at random moments lose nothing and double nothing."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import fake_run


def test_twenty_kills_leave_the_run_of_an_uninterrupted_one(tmp_path: Path):
    killed = subprocess.run(
        [sys.executable, fake_run.__file__, str(tmp_path / "killed"), "20", "7"], capture_output=True, text=True, timeout=60, check=False
    )
    assert killed.returncode == 0, killed.stderr
    assert int(killed.stdout) >= 15, "most starts should have been killed before the run's end"
    plan = fake_run.fake_plan(400, seeds=[0, 1])
    fake_run.decode(plan, tmp_path / "whole")
    assert fake_run.exported(plan, tmp_path / "killed") == fake_run.exported(plan, tmp_path / "whole")
    assert _traces(plan, tmp_path / "killed") == _traces(plan, tmp_path / "whole")
    assert len(_traces(plan, tmp_path / "killed")) == plan.texts


def _traces(plan: fake_run.Plan, out: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(plan.folder(out) / "run.sqlite")
    return connection.execute("SELECT unit, setting, seed, sample, trace FROM generations ORDER BY 1, 2, 3, 4").fetchall()
