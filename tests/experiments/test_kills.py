"""Twenty SIGKILLs at random moments lose nothing and double nothing."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import fake_run

QUERIES = (
    "SELECT stage, unit, setting, seed, sample, text, trace FROM generations ORDER BY 1, 2, 3, 4, 5",
    "SELECT stage, unit, steps FROM forced ORDER BY 1, 2",
    "SELECT stage, unit, setting, seed, sample, pieces FROM pieces ORDER BY 1, 2, 3, 4, 5",
    "SELECT stage, unit FROM units ORDER BY 1, 2",
    "SELECT prompts, sequential FROM looks ORDER BY 1",
)


def test_twenty_kills_leave_the_run_of_an_uninterrupted_one(tmp_path: Path):
    killed = subprocess.run(
        [sys.executable, fake_run.__file__, str(tmp_path / "killed"), "20", "7"], capture_output=True, text=True, timeout=60, check=False
    )
    assert killed.returncode == 0, killed.stderr
    stages = killed.stdout.split()
    assert len(stages) >= 15, "most starts should have been killed before the run's end"
    assert set(stages) == {"dev", "forced-dev", "test", "forced-test", "shuffled"}, "and in every stage"
    comparison = fake_run.killed_comparison()
    fake_run.compare(comparison, tmp_path / "whole")
    assert fake_run.exported(comparison, tmp_path / "killed") == fake_run.exported(comparison, tmp_path / "whole")
    killed_rows, whole_rows = (_rows(comparison, tmp_path / name) for name in ("killed", "whole"))
    assert killed_rows == whole_rows
    assert len(whole_rows[QUERIES[3]]) == 2 * 30 + 3 * 40


def _rows(comparison: fake_run.Comparison, out: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(comparison.folder(out) / "run.sqlite")
    return {query: connection.execute(query).fetchall() for query in QUERIES}
