"""Start-up: what it takes to import the package, and until the command answers, beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.table import Table, busy_note, timed

TITLE = "start-up"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import edt_sampling": ["-c", "import edt_sampling"],
    "edt --help": ["-m", "edt_sampling", "--help"],
    "edt compare --help": ["-m", "edt_sampling", "compare", "--help"],
}


def measure(bench: Bench) -> Iterator[Case]:
    calls = {name: _started(words) for name, words in COMMANDS.items()}
    for call in calls.values():
        call()
    yield bench.case({}, calls, threads=1, rounds=5 if bench.quick else 10)


def _started(words: list[str]) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def tables(cases: Sequence[Case]) -> list[Table]:
    (case,) = cases
    bare = case.seconds("python -c pass").median
    rows = [
        (f"`{name}`", timed(found), f"{1000 * (found.median - bare):.0f}", f"{1000 * case.seconds(name, 'cpu').median:.0f}")
        for name in COMMANDS
        if (found := case.seconds(name))
    ]
    return [Table(("command", "ms", "less the interpreter's own", "CPU ms"), tuple(rows), notes=busy_note(cases))]
