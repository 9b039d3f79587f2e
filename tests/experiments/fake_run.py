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
from typing import Any, ClassVar

import numpy as np

from edt_sampling.experiments.compare import Session
from edt_sampling.experiments.comparison import Comparison, make_comparison
from edt_sampling.experiments.measures import measures
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Completion, Forced, Request, Trace
from edt_sampling.store import Reader, export
from edt_sampling.tasks import Example, Task

WORDS = ["a", "the", "of", "returns", "compute", "matrix", "array", "value", "given", "number", "function", "model"]
METHODS = [
    {"name": "Fixed", "policies": ["fixed:temperature=0", "fixed:temperature=0.2", "fixed:temperature=0.6", "fixed:temperature=1"]},
    {"name": "EDT", "policies": ["edt:t0=0.5,theta=0.2", "edt:t0=0.8,theta=0.2", "edt:t0=1,theta=0.5"]},
]
REFERENCE = "returns the value of a given matrix"


@dataclass
class FakeEngine:
    """Texts that depend on request, setting, sample and seed alone."""

    seconds: float = 0.0
    description: dict[str, Any] = field(default_factory=lambda: {"engine": "fake", "threads": 2, "versions": {"torch": "2.0"}})
    observes: ClassVar[bool] = True
    ahead: ClassVar[int] = 1
    fingerprint: str = "fake"
    asked: list[int] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        return dict(self.description)

    def check(self, request: Request) -> None:
        pass

    def memory(self) -> int | None:
        return None

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        return [str(token) for token in tokens]

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        for request in requests:
            self.asked.append(request.id)
            time.sleep(self.seconds)
            yield [self.complete(request, setting, k) for setting in range(len(request.settings)) for k in range(request.samples)]

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        """The reference, each word by chance another one: the hotter the setting, the more of them."""
        heat = _heat(request.settings[setting].policy)
        generator = np.random.default_rng([request.id, request.seed, sample])  # paired, as engines draw
        words = [word if u >= heat * 0.8 else WORDS[i] for word, u, i in _rolls(generator)]
        length = len(words)
        entropy = generator.random(length) * 3
        reals = (entropy, np.full(length, heat), generator.random(length))
        trace = Trace(tokens=np.arange(length), entropy=reals[0], temperature=reals[1], probability=reals[2])
        return Completion(
            request=request.id, setting=setting, sample=sample, text=" ".join(words), finish="length" if heat == 1 else "end", trace=trace
        )

    def force(self, request: Request, text: str) -> Forced:
        generator, tokens = np.random.default_rng(request.id), len(text.split()) + 1
        heat = np.array([[_heat(s.policy)] for s in request.settings])
        entropy = np.broadcast_to(generator.random(tokens) * 3, (len(heat), tokens))
        temperature = np.broadcast_to(heat, entropy.shape)
        nll = (temperature - 1) ** 2 + generator.random(tokens)
        return Forced(tokens=np.arange(tokens), entropy=entropy, temperature=temperature, tempered_entropy=entropy * heat, nll=nll)


def _heat(policy: Any) -> float:
    return policy.temperature if isinstance(policy, Fixed) else getattr(policy, "t0", 0.5) * 0.8


def _rolls(generator: np.random.Generator) -> Iterator[tuple[str, float, int]]:
    for word in REFERENCE.split():
        yield word, generator.random(), int(generator.integers(len(WORDS)))


class FakeTask(Task):
    """Examples such as test0, test1, ... with one reference."""

    def __init__(self, size: int = 5, name: str = "fake", split: str = "test") -> None:
        self.name, self.split, self.size = name, split, size

    @property
    def fingerprint(self) -> str:
        return "fake"

    def read(self, limit: int | None) -> list[Example]:
        return [Example(id=f"{self.split}{i}", prompt=f"prompt {i}", references=(REFERENCE,)) for i in range(self.size)][:limit]


def fake_comparison(size: int = 5, *, dev: int = 4, **fields: Any) -> Comparison:
    recipe = Recipe.model_validate({"methods": METHODS, "samples": 2, "limit": 1000, **fields})
    return make_comparison(recipe, dev=FakeTask(dev, split="dev"), test=FakeTask(size), model_fingerprint="fake")


def compare(
    comparison: Comparison, out: Path, engine: FakeEngine | None = None, *, tell: Any = lambda line: None, warn: Any = lambda line: None
) -> list[tuple[str, int]]:
    """The whole comparison; returns the stage and number of each unit that was run."""
    ran: list[tuple[str, int]] = []

    def watch(stage: Any, units: Iterator[int], done: int) -> None:
        ran.extend((stage.name, unit) for unit in units)

    with comparison.writer(out) as writer, Reader(writer.path) as reader:
        engine = engine or FakeEngine()
        Session(comparison=comparison, engine=engine, writer=writer, reader=reader, watch=watch, tell=tell, warn=warn).run()
    return ran


def exported(comparison: Comparison, out: Path) -> str:
    with Reader(comparison.folder(out)) as reader:
        return "\n".join(export(reader))


def killed_comparison() -> Comparison:
    """The one of ``killed_runs``."""
    return fake_comparison(40, dev=30, seeds=[0, 1], metrics=["rouge_l", "self_bleu"])


@dataclass
class TellingEngine(FakeEngine):
    """Writes a byte for each unit that it begins, so that a parent can kill it at work."""

    pipe: int = -1

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        os.write(self.pipe, b".")
        return super().generate(requests)

    def force(self, request: Request, text: str) -> Forced:
        os.write(self.pipe, b".")
        time.sleep(self.seconds)
        return super().force(request, text)


def killed_runs(out: Path, kills: int, seed: int) -> list[str]:
    """Starts one comparison over and over, each time killed at a random moment; then lets it end. Returns the stages of the kills."""
    comparison, generator, stages = killed_comparison(), random.Random(seed), list[str]()
    measures(comparison.recipe.metrics, samples=2)  # what they import takes longer than a child lives
    for begun in generator.sample(range(1, kills + 1), kills):
        ear, mouth = os.pipe()
        if (child := os.fork()) == 0:
            compare(comparison, out, TellingEngine(seconds=0.001, pipe=mouth))
            os._exit(0)
        os.close(mouth)
        for _ in range(begun):
            os.read(ear, 1)
        time.sleep(generator.uniform(0, 0.004))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(ear)
        with Reader(comparison.folder(out)) as reader:
            stages += [list(reader.stages())[-1]] * os.WIFSIGNALED(status)
    compare(comparison, out)
    return stages


if __name__ == "__main__":
    print(*killed_runs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
