"""The question task: a numpydoc-style docstring and "What is the parameter x?" in; its author's description is the reference.

Extractive: the answer stands in the prompt, so that a small model is often sure of its next word.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.harvest import Docstring
from edt_sampling.tasks.prose import HEADING, clip, first_paragraph, first_sentence, has_markup, one_line

SECTION_CHARACTERS = 800
SUMMARY_CHARACTERS = 200
ANSWER_WORDS = range(3, 41)

_PARAMETERS = re.compile(r"^Parameters[ ]*\n[-=]{3,}[ ]*\n", re.M)
_ENTRY = re.compile(r"^(?P<name>[A-Za-z_]\w*)[ ]?:[^\n]*\n(?P<description>(?:[ \t]+\S[^\n]*\n?)+)", re.M)


class Parameter(NamedTuple):
    """An entry of a numpydoc ``Parameters`` section: its name and the first sentence said of it."""

    name: str
    description: str


def parameters(text: str) -> list[Parameter]:
    """The entries of a numpydoc-style ``Parameters`` section whose descriptions can serve as references."""
    found: list[Parameter] = []
    for entry in _ENTRY.finditer(parameter_section(text)):
        description = first_sentence(one_line(entry["description"]))
        if len(description.split()) in ANSWER_WORDS and description.isascii() and not has_markup(description):
            found.append(Parameter(entry["name"], description))
    return found


def parameter_section(text: str) -> str:
    """The lines under the heading ``Parameters``, up to the next underlined heading; empty where there is none."""
    start = _PARAMETERS.search(text)
    if start is None:
        return ""
    rest = text[start.end() :]
    end = HEADING.search(rest)
    return rest[: end.start()] if end else rest


def question_examples(docstring: Docstring) -> list[Example]:
    """The question task's examples of a docstring, one for each parameter that it describes in prose."""
    examples = (question_example(docstring, p.name) for p in parameters(docstring.text))
    return [e for e in examples if e is not None]


def question_example(docstring: Docstring, parameter: str) -> Example | None:
    """The question task's example about one parameter, or None where the docstring does not describe it in prose."""
    answers = [p.description for p in parameters(docstring.text) if p.name == parameter]
    evidence = question_evidence(docstring.text, parameter)
    if not answers or answers[0] not in one_line(evidence):
        return None
    prompt = f"{evidence}\n\nWhat is the parameter {parameter}?"
    return Example(id=f"{docstring.name}({parameter})", prompt=prompt, references=(answers[0],), evidence=evidence)


def question_evidence(text: str, parameter: str) -> str:
    """The summary and the parameter section, cut so that the entry asked for stays inside."""
    section = parameter_section(text).strip("\n")
    entry = next((m for m in _ENTRY.finditer(section) if m["name"] == parameter), None)
    if entry is not None and entry.end() > SECTION_CHARACTERS:
        section = section[_entry_before(section, entry.end() - SECTION_CHARACTERS, entry.start()) :]
    return f"{clip(first_paragraph(text), SUMMARY_CHARACTERS)}\n\n{clip(section, SECTION_CHARACTERS)}"


def _entry_before(section: str, earliest: int, entry: int) -> int:
    """Where the first entry at or after ``earliest`` starts, and at the latest the one asked for."""
    return next(m.start() for m in _ENTRY.finditer(section) if m.start() >= earliest or m.start() == entry)
