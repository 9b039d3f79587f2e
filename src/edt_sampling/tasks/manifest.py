"""The frozen dev and test sets: names and hashes of docstrings in pinned packages, not their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("networkx", "nltk", "numpy", "scipy", "sympy", "torch", "transformers")


class Entry(NamedTuple):
    """An example: its split, its docstring's hash, and its name, ``package.module:Class.method``, a question's with ``(parameter)``."""

    split: str
    sha: str
    name: str

    @property
    def docstring(self) -> str:
        """The name of the docstring that the example is read from."""
        return docstring_name(self.name)

    @property
    def parameter(self) -> str | None:
        """The parameter that a question asks for; None for a summary."""
        return self.name.partition("(")[2].removesuffix(")") or None


def docstring_name(example: str) -> str:
    """The name of an example's docstring: the example's without the parameter."""
    return example.partition("(")[0]


@dataclass(frozen=True)
class Manifest:
    """The versions of the packages that a task was frozen on, and its entries; within a split every prefix is a random sample."""

    versions: Mapping[str, str]
    entries: Sequence[Entry]

    def split(self, split: str) -> list[Entry]:
        """The split's entries in order."""
        return [e for e in self.entries if e.split == split]

    def fingerprint(self, split: str) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of the split's lines."""
        return hashlib.sha256("\n".join(map("\t".join, self.split(split))).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        header = [f"# {package} {version}" for package, version in sorted(self.versions.items())]
        return "\n".join([*header, *map("\t".join, self.entries)]) + "\n"

    @classmethod
    def parse(cls, text: str) -> Manifest:
        """The manifest that ``str`` wrote."""
        lines = text.splitlines()
        versions = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# "))
        return cls(versions, [Entry(*line.split("\t")) for line in lines if line and not line.startswith("#")])


def manifest_file(task: str) -> Path:
    """Where a task's manifest lies."""
    return Path(__file__).parent / "manifests" / f"{task}.tsv"


def read_manifest(task: str) -> Manifest:
    """The manifest of a task, as shipped."""
    return Manifest.parse(manifest_file(task).read_text(encoding="utf-8"))
