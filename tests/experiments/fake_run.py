"""A fake engine, a fake task and runs of them; as a program, runs that are killed (see test_kills.py)."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edt_sampling.experiments.plan import Plan, make_plan
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.run import run
from edt_sampling.protocol import Completion, Request, Trace
from edt_sampling.store import Reader, export
from edt_sampling.tasks import Example, Task

WORDS = ["a", "the", "of", "returns", "compute", "matrix", "array", "value", "given", "number", "function", "model"]
METHODS = [
    {"name": "Fixed", "policies": ["fixed:temperature=0", "fixed:temperature=1"]},
    {"name": "EDT", "policies": ["edt:t0=1,theta=0.2"]},
]


@dataclass
class FakeEngine:
    """Texts that depend on request, setting, sample and seed alone."""

    seconds: float = 0.0
    description: dict[str, Any] = field(default_factory=lambda: {"engine": "fake", "threads": 2, "versions": {"torch": "2.0"}})
    fingerprint: str = "fake"
    asked: list[int] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        return dict(self.description)

    def check(self, request: Request) -> None:
        pass

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        return [str(token) for token in tokens]

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        for request in requests:
            self.asked.append(request.id)
            time.sleep(self.seconds)
            yield [_completion(request, setting, k) for setting in range(len(request.settings)) for k in range(request.samples)]


def _completion(request: Request, setting: int, sample: int) -> Completion:
    generator = np.random.default_rng([request.id, request.seed, setting, sample])
    length = int(generator.integers(3, 9))
    reals = generator.random((3, length))
    trace = Trace(tokens=generator.integers(0, 4096, length), entropy=reals[0], temperature=reals[1], probability=reals[2])
    text = " ".join(generator.choice(WORDS, length))
    return Completion(request=request.id, setting=setting, sample=sample, text=text, finish="end" if length < 8 else "length", trace=trace)


class FakeTask(Task):
    """Examples x0, x1, ... whose reference is some words."""

    def __init__(self, size: int = 5, name: str = "fake") -> None:
        self.name, self.split, self.size = name, "test", size

    @property
    def fingerprint(self) -> str:
        return f"fake{self.size}"

    def read(self, limit: int | None) -> list[Example]:
        return [Example(id=f"x{i}", prompt=f"prompt {i}", references=("returns the value of a matrix",)) for i in range(self.size)][:limit]


def fake_plan(size: int = 5, **fields: Any) -> Plan:
    recipe = Recipe.model_validate({"methods": METHODS, "samples": 2, "limit": 1000, **fields})
    return make_plan(recipe, task=FakeTask(size), model_fingerprint="fake")


def decode(plan: Plan, out: Path, engine: FakeEngine | None = None, warn: Any = lambda line: None) -> list[int]:
    with plan.writer(out) as writer:
        return list(run(plan, engine=engine or FakeEngine(), writer=writer, warn=warn))


def exported(plan: Plan, out: Path) -> str:
    with Reader(plan.folder(out)) as reader:
        return "\n".join(export(reader))


def killed_runs(out: Path, kills: int, seed: int) -> int:
    """Starts one plan over and over, each time killed at a random moment; then lets it end. Returns how many were killed at work."""
    plan, generator, at_work = fake_plan(400, seeds=[0, 1]), random.Random(seed), 0
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            decode(plan, out, FakeEngine(seconds=0.001))
            os._exit(0)
        time.sleep(generator.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        at_work += os.WIFSIGNALED(status)
    decode(plan, out)
    return at_work


if __name__ == "__main__":
    print(killed_runs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
