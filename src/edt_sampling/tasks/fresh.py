"""A docstrings task on whatever packages are installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import packages_distributions
from pathlib import Path

from edt_sampling.tasks.corpus import Corpus, harvest
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.harvest import package_folder
from edt_sampling.tasks.selection import HELD_OUT
from edt_sampling.tasks.task import Task

Selection = Callable[[Corpus], dict[str, list[Example]]]


class FreshTask(Task):
    """Held-out examples of all installed packages, grouped and split as the frozen ones are.

    They may have been in the bundled model's training data: its corpus held other packages, and a group whose smallest
    name is another one may fall into another split. For a model of yours that is no concern; for the bundled one, use
    the frozen examples. The first use of ``fingerprint`` or ``examples`` reads and parses every installed source file.
    """

    notice = "reading the documentation of every installed package: this takes about a minute"

    def __init__(self, name: str, split: str, select: Selection) -> None:
        if split not in HELD_OUT:
            raise ValueError(f"{name}: split must be one of {', '.join(HELD_OUT)}, got {split!r}")
        self.name, self.split, self._select = name, split, select

    @property
    def fingerprint(self) -> str:
        texts = [f"{e.prompt}\0{e.references[0]}" for e in self._all]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]

    def read(self, limit: int | None) -> Sequence[Example]:
        return self._all[:limit]

    @cached_property
    def _all(self) -> list[Example]:
        found = self._select(Corpus.of(harvest(installed_folders())))[self.split]
        if not found:
            raise ValueError(f"{self.name}: no installed package documents anything fit for it; install one that does, such as scipy")
        return found


def installed_folders() -> dict[str, Path]:
    """Every installed top-level package that is a folder of source files, by name."""
    names = sorted(name for name in packages_distributions() if name.isidentifier())
    return {name: folder for name in names if (folder := package_folder(name))}
