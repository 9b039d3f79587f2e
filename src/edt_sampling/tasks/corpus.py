"""Docstrings with the examples read out of them, near-duplicates grouped, each group in one split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.harvest import Docstring, docstrings
from edt_sampling.tasks.prose import normalised
from edt_sampling.tasks.questions import parameter_section, question_examples
from edt_sampling.tasks.splits import groups, split_of
from edt_sampling.tasks.summaries import summary_example

KEY_CHARACTERS = 200  # bodies and parameter sections that begin alike are near-duplicates

Key = tuple[str, str]


@dataclass
class Corpus:
    """Examples by the name of the docstring that they come from, and the group of every name, whose hash says its split."""

    docstrings: dict[str, Docstring] = field(default_factory=dict[str, Docstring])
    summaries: dict[str, Example] = field(default_factory=dict[str, Example])
    questions: dict[str, list[Example]] = field(default_factory=dict[str, list[Example]])
    group: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, texts: Iterable[Docstring]) -> Corpus:
        """Reads the examples out of docstrings and groups their near-duplicates; docstrings without an example are left out."""
        corpus = cls()
        keys: dict[str, list[Key]] = {}
        for text in texts:
            if own := corpus._add(text):
                keys[text.name] = own
        corpus.group = groups(keys)
        return corpus

    def names(self, split: str, packages: Iterable[str] | None = None) -> list[str]:
        """One name for each group of the split, the smallest among those of ``packages`` (of all by default)."""
        allowed = None if packages is None else set(packages)
        chosen: dict[str, str] = {}
        for name in sorted(self.group):
            if split_of(self.group[name]) == split and (allowed is None or package_of(name) in allowed):
                chosen.setdefault(self.group[name], name)
        return sorted(chosen.values())

    def training(self) -> tuple[list[Example], list[list[Example]]]:
        """Summaries, and questions grouped by docstring, of the train split; no answer that dev or test asks for."""
        names = self.names("train")
        held_out = {
            normalised(q.references[0])
            for name, questions in self.questions.items()
            if split_of(self.group[name]) != "train"
            for q in questions
        }
        summaries = [self.summaries[n] for n in names if n in self.summaries]
        questions = [_without(self.questions[n], held_out) for n in names if n in self.questions]
        return summaries, [q for q in questions if q]

    def _add(self, text: Docstring) -> list[Key]:
        """Keeps the docstring if it has an example; returns the keys that its near-duplicates share."""
        summary, questions = summary_example(text), question_examples(text)
        keys: list[Key] = []
        if summary:
            self.summaries[text.name] = summary
            keys += summary_keys(summary)
        if questions:
            self.questions[text.name] = questions
            keys.append(("parameters", normalised(parameter_section(text.text))[:KEY_CHARACTERS]))
        if keys:
            self.docstrings[text.name] = text
        return keys


def summary_keys(example: Example) -> list[Key]:
    """What makes two summary examples near-duplicates: the same summary, or bodies that begin alike."""
    return [("summary", normalised(example.references[0])), ("body", normalised(example.evidence or "")[:KEY_CHARACTERS])]


def package_of(name: str) -> str:
    """The top-level package of ``package.module:Class.method``."""
    return name.partition(":")[0].partition(".")[0]


def harvest(folders: Mapping[str, Path]) -> Iterator[Docstring]:
    """The docstrings of packages, given as name to folder, package by package in the order of their names."""
    for package in sorted(folders):
        yield from docstrings(folders[package])


def _without(questions: Sequence[Example], answers: set[str]) -> list[Example]:
    return [q for q in questions if normalised(q.references[0]) not in answers]
