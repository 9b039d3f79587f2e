"""The summary task: the body of a docstring in; its one-line summary is the reference."""

from __future__ import annotations

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.harvest import Docstring
from edt_sampling.tasks.prose import clip, first_paragraph, first_sentence, has_markup, is_prose, one_line, without_headings, word_count

BODY_CHARACTERS = 800  # enough to know what a function does, short enough for a small model's context
BODY_WORDS = 15  # at least
SUMMARY_WORDS = range(4, 31)
SUMMARY_QUESTION = "\n\nOne-line summary:"


def summary_and_body(text: str) -> tuple[str, str] | None:
    """The one-line summary (first paragraph) and the body (the rest, cut); None where either is not prose."""
    head, _, rest = text.partition("\n\n")
    summary = one_line(head)
    body = clip(rest.strip(), BODY_CHARACTERS)
    if len(summary.split()) not in SUMMARY_WORDS or summary[-1] in ":`\\" or has_markup(head) or not summary[0].isalpha():
        return None
    return (summary, body) if word_count(body) >= BODY_WORDS and summary.isascii() and is_prose(body) else None


def summary_example(docstring: Docstring) -> Example | None:
    """The summary task's example of a docstring, or None where it has no summary or no body."""
    parts = summary_and_body(docstring.text)
    if parts is None:
        return None
    summary, body = parts
    return Example(id=docstring.name, prompt=body + SUMMARY_QUESTION, references=(summary,), evidence=body)


def lead_sentence(example: Example) -> str:
    """The first sentence of an example's evidence, headings left out: the baseline that a model's summary has to beat."""
    text = without_headings(example.evidence or example.prompt)
    return first_sentence(first_paragraph(text.strip()))
