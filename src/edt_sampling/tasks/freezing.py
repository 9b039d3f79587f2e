"""Freezing the held-out examples of a corpus as the manifests that are shipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edt_sampling.tasks.corpus import Corpus
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.lookup import find_docstring
from edt_sampling.tasks.manifest import PACKAGES, Entry, Manifest, docstring_name, manifest_file
from edt_sampling.tasks.prose import normalised
from edt_sampling.tasks.selection import HELD_OUT, Admit, held_out_questions, held_out_summaries
from edt_sampling.tasks.versions import installed_version

SIZES = {"dev": 400, "test": 1000}


def manifests(corpus: Corpus, packages: Iterable[str] = PACKAGES) -> dict[str, Manifest]:
    """Task to its manifest: up to ``SIZES`` held-out examples from the packages, as they are installed."""
    packages = tuple(packages)
    versions = {p: version for p in packages if (version := installed_version(p))}
    admit = unseen_in(corpus)
    chosen = {
        "docstrings-summary": held_out_summaries(corpus, packages, admit),
        "docstrings-question": held_out_questions(corpus, packages, admit),
    }
    return {task: Manifest(versions, _entries(corpus, examples)) for task, examples in chosen.items()}


def unseen_in(corpus: Corpus) -> Admit:
    """Whether no reference of an example stands, in the same words, anywhere in what the train split reads: prompts or references."""
    summaries, questions = corpus.training()
    texts = {f"{e.evidence} {e.references[0]}" for e in summaries} | {str(q.evidence) for own in questions for q in own}
    read = "\n".join(f" {normalised(text)} " for text in sorted(texts))
    return lambda example: all(f" {normalised(r)} " not in read for r in example.references)


def write_manifests(corpus: Corpus) -> dict[str, Manifest]:
    """Writes the manifests into the source tree, where they are shipped from, and returns them."""
    written = manifests(corpus)
    for task, manifest in written.items():
        path = manifest_file(task)
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(manifest), encoding="utf-8")
    return written


def _entries(corpus: Corpus, examples: Mapping[str, Iterable[Example]]) -> list[Entry]:
    """Dev, then test, each cut to its size; examples that could not be found again by their names are passed over."""
    entries: list[Entry] = []
    for split in HELD_OUT:
        found = (Entry(split, corpus.docstrings[docstring_name(e.id)].sha, e.id) for e in examples[split])
        again = (e for e in found if find_docstring(e.docstring, e.sha))
        entries += [entry for entry, _ in zip(again, range(SIZES[split]), strict=False)]
    return entries
