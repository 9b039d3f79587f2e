"""A comparison over a server; as a program, runs of it that are killed or interrupted, each in a process of its own.

The program reads lines of a URL and a folder, and for each prints the number of the process that runs it, then its exit status.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))

from fake_run import compare, exported, fake_comparison
from openai_server import MODEL

from edt_sampling.engines.openai import load
from edt_sampling.experiments.comparison import Comparison
from edt_sampling.experiments.measures import measures


def comparison(**fields: Any) -> Comparison:
    """Seven settings on three dev prompts, the chosen ones on five test prompts."""
    return fake_comparison(5, dev=3, metrics=["bleu", "self_bleu"], **fields)


def compared(url: str, out: Path, *, warn: Any = lambda line: None, **options: Any) -> str:
    """Runs the comparison to its end, or goes on with it; returns all that it holds."""
    engine: Any = load(**{"model": MODEL, "base_url": url, **options})
    try:
        compare(comparison(), out, engine, warn=warn)
    finally:
        engine.close()
    return exported(comparison(), out)


def runs() -> None:
    measures(comparison().recipe.metrics, samples=2)  # what they import takes longer than a run
    for line in sys.stdin:
        url, out = line.split()
        if (child := os.fork()) == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that works in the background hands on that it is ignored
            signal.alarm(120)
            try:
                compared(url, Path(out))
            except KeyboardInterrupt:
                sys.exit(130)
            sys.exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    runs()
