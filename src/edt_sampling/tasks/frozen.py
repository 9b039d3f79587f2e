"""A docstrings task as frozen in its manifest, read from the installed packages and verified against its hashes."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.tasks.corpus import package_of
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.harvest import Docstring
from edt_sampling.tasks.lookup import find_docstring
from edt_sampling.tasks.manifest import Entry, Manifest
from edt_sampling.tasks.questions import question_example
from edt_sampling.tasks.selection import HELD_OUT
from edt_sampling.tasks.summaries import summary_example
from edt_sampling.tasks.task import Task
from edt_sampling.tasks.versions import installed_version

SHOWN = 3


class FrozenTask(Task):
    """The same examples on every machine that has the packages: each docstring is found by its name and must have its hash."""

    def __init__(self, name: str, split: str, manifest: Manifest) -> None:
        if split not in HELD_OUT:
            raise ValueError(
                f"{name}: split must be one of {', '.join(HELD_OUT)}, got {split!r} (the rest trained the bundled model); to train, give a "
                'task that has a train split, or a .jsonl file with a "split" of train or dev on every line'
            )
        self.name, self.split, self.manifest = name, split, manifest

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint(self.split)

    def read(self, limit: int | None) -> Sequence[Example]:
        entries = self.manifest.split(self.split)[:limit]
        found = [find_docstring(e.docstring, e.sha) for e in entries]
        if lost := [e for e, docstring in zip(entries, found, strict=True) if docstring is None]:
            raise ValueError(self._complaint(lost, len(entries)))
        return [_example(e, docstring) for e, docstring in zip(entries, found, strict=True) if docstring]

    def _complaint(self, lost: Sequence[Entry], count: int) -> str:
        """One line: which docstrings are not as frozen, whose versions differ, and what to do."""
        names = ", ".join(e.name for e in lost[:SHOWN]) + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
        packages = sorted({package_of(e.name) for e in lost})
        states = ", ".join(self._state(p) for p in packages)
        pins = " ".join(f"{p}=={self.manifest.versions[p]}" for p in packages)
        repaired = any(installed_version(p) == self.manifest.versions[p] for p in packages)
        force = "--force-reinstall --no-deps " if repaired else ""
        return (
            f"{self.name}: {len(lost)} of {count} docstrings are missing or read otherwise than when they were frozen: {names}; {states}. "
            f"Run: pip install {force}{pins} (or take whatever is installed, as other examples: --fresh)"
        )

    def _state(self, package: str) -> str:
        frozen, installed = self.manifest.versions[package], installed_version(package)
        if installed == frozen:
            return f"{package} {installed} is installed, as frozen, but its files differ"
        return f"{package} {frozen} was frozen, {installed or 'none'} is installed"


def _example(entry: Entry, docstring: Docstring) -> Example:
    parameter = entry.parameter
    example = summary_example(docstring) if parameter is None else question_example(docstring, parameter)
    if example is None:
        raise ValueError(f"{entry.name}: this version of edt-sampling reads no example out of it; its manifest was frozen by another one")
    return example
