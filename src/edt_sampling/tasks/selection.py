"""Which held-out examples are run, and in which order: a random sample that two machines draw alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from edt_sampling.tasks.corpus import Corpus
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.prose import normalised
from edt_sampling.tasks.splits import split_of

HELD_OUT = ("dev", "test")

Admit = Callable[[Example], bool]


def order(name: str) -> str:
    """A key that sorts names at random, and always alike; independent of ``split_of``."""
    return hashlib.sha256(f"order {name}".encode()).hexdigest()


def held_out_summaries(corpus: Corpus, packages: Iterable[str] | None = None, admit: Admit | None = None) -> dict[str, list[Example]]:
    """Split to its summary examples, one for each group of near-duplicates, in random order; only those that ``admit`` takes."""
    found = {split: [corpus.summaries[n] for n in names if n in corpus.summaries] for split, names in _names(corpus, packages).items()}
    return {split: [e for e in examples if admit is None or admit(e)] for split, examples in found.items()}


def held_out_questions(corpus: Corpus, packages: Iterable[str] | None = None, admit: Admit | None = None) -> dict[str, list[Example]]:
    """Split to its questions, at most one for each group of near-duplicates, in random order; only those that ``admit`` takes.

    No two of them, in whatever split, have the same answer.
    """
    names = _names(corpus, packages)
    chosen: dict[str, list[Example]] = {split: [] for split in names}
    answered: set[str] = set()
    for name in sorted((n for own in names.values() for n in own), key=order):
        for question in sorted(corpus.questions.get(name, ()), key=lambda q: order(q.id)):
            answer = normalised(question.references[0])
            if answer not in answered and (admit is None or admit(question)):
                answered.add(answer)
                chosen[split_of(corpus.group[name])].append(question)
                break
    return chosen


def _names(corpus: Corpus, packages: Iterable[str] | None) -> dict[str, list[str]]:
    allowed = None if packages is None else frozenset(packages)
    return {split: sorted(corpus.names(split, allowed), key=order) for split in HELD_OUT}
