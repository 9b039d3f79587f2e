"""Two tasks written for this package: programs to complete and stories to go on with, each a file of examples.

* ``programs``: a Python function's signature and docstring in; a solution as the reference, and tests that an output has to pass.
* ``stories``: the opening of a story in; one continuation of many as the reference.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from edt_sampling.tasks.card import Card
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.task import Task

DEV = 10
"""The first of a file are dev, the rest test."""
SPLITS = f"dev is the first {DEV}, test the rest, mixed by hand"


class AuthoredTask(Task):
    """The examples of a TOML file of the folder ``originals``; an example's id is its place in it."""

    def __init__(self, name: str, split: str, *, metrics: tuple[str, ...], card: Card) -> None:
        if split not in ("dev", "test"):
            raise ValueError(f"{name}: split must be dev or test, got {split!r}: these are too few to train on")
        self.name, self.split, self.metrics, self.card = name, split, metrics, card

    @cached_property
    def _content(self) -> str:
        return (Path(__file__).parent / "originals" / f"{self.name}.toml").read_text(encoding="utf-8")

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self._content.encode()).hexdigest()[:12]

    def read(self, limit: int | None) -> Sequence[Example]:
        examples = [
            Example(id=f"{self.name}/{number}", prompt=given["prompt"], references=(given["reference"],), check=given.get("check"))
            for number, given in enumerate(tomllib.loads(self._content)["example"])
        ]
        return (examples[:DEV] if self.split == "dev" else examples[DEV:])[:limit]


def programs_task(*, split: str) -> Task:
    """Programs, scored by their tests."""
    card = Card(
        about="a Python function's signature and docstring in, a solution as the reference; outputs are run against tests (--run-code)",
        source="30 problems written for this package",
        splits=SPLITS,
        offline=True,
        metrics="pass@1 by running the tests",
    )
    return AuthoredTask("programs", split, metrics=("passes", "self_bleu", "distinct_n:n=2", "eda", "length"), card=card)


def stories_task(*, split: str) -> Task:
    """Stories; no metric says whether one is good."""
    card = Card(
        about="the opening of a story in, one continuation of many as the reference",
        source="40 openings written for this package",
        splits=SPLITS,
        offline=True,
        metrics="ROUGE-L says little here: a good continuation need not resemble the reference; let people or a model judge",
    )
    return AuthoredTask("stories", split, metrics=Task.metrics, card=card)
