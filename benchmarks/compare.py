"""``edt compare``: where the wall time of a small run goes. Each run is a process of its own (see ``compare_run``)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.compare_run import SHARES
from benchmarks.record import Case
from benchmarks.table import Table, timed

TITLE = "edt compare"
DEV, TEST = 12, 30
"""Prompts: fewer than anyone would run, so that what does not grow with them weighs more than it would."""


def measure(bench: Bench) -> Iterator[Case]:
    found: list[dict[str, float]] = []
    dev, test = (4, 10) if bench.quick else (DEV, TEST)
    case = bench.case({"dev": dev, "test": test}, {"edt compare": _run(dev, test, bench.threads, found)}, rounds=1)
    whole = case.seconds("edt compare").median
    shares = {name: sum(run[name] for run in found) / len(found) for name in SHARES}
    rest = whole - sum(shares.values())
    outside = 100 * (whole - shares["the model"] - shares["the draw"]) / whole
    yield replace(case, facts=shares | {"the rest": rest, "outside, %": outside})


def _run(dev: int, test: int, threads: int, found: list[dict[str, float]]) -> Callable[[], None]:
    """A call that runs the command in a fresh process and folder, and adds its seconds to ``found``."""

    def call() -> None:
        with tempfile.TemporaryDirectory() as folder:
            flags = ["--dev-limit", str(dev), "--limit", str(test), "--threads", str(threads), "--out", folder]
            run = subprocess.run([sys.executable, "-m", "benchmarks.compare_run", *flags], check=False, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"edt compare failed:\n{run.stderr.strip()[-2000:]}")
        found.append(json.loads(run.stdout.splitlines()[-1]))

    return call


def tables(cases: Sequence[Case]) -> list[Table]:
    (case,) = cases
    whole, facts = case.seconds("edt compare").median, case.facts
    parts = {name: seconds for name, seconds in facts.items() if name != "outside, %"}
    rows = [(name, f"{seconds:.1f}", f"{100 * seconds / whole:.1f}%") for name, seconds in parts.items()]
    rows += [("all but the model and the draw", f"{whole * facts['outside, %'] / 100:.1f}", f"{facts['outside, %']:.1f}%")]
    rows += [("the whole command", timed(case.seconds("edt compare"), 1), "100%")]
    above = f"`edt compare` on the bundled model, {case.labels['dev']} dev and {case.labels['test']} test prompts, all its settings:"
    return [Table(("", "s", "share"), tuple(rows), above)]
