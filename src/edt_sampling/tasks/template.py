"""A prompt's template, and an example made by it or left out by a rule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edt_sampling.tasks.example import Example

ASCII_WORD = re.compile("[A-Za-z0-9]")
ANY_WORD = re.compile(r"[^\W_]")
"""What a reference must hold for the metrics to see a word in it: rouge_score reads a-z and 0-9 alone."""

_SPACE_BEFORE_CUT = re.compile(r"\s+\S{0,40}$")


class LeftOut(str):
    """Why a row is no example: the name of the rule."""


@dataclass(frozen=True)
class Template:
    """Plain text with ``{evidence}`` in it once, and other fields in braces."""

    text: str

    def example(
        self, id: str, references: Iterable[str | None], *, evidence: str | None, word: re.Pattern[str] = ANY_WORD, **fields: str
    ) -> Example | LeftOut:
        """The template filled in, with the evidence marked; or the rule by which it is left out.

        References are stripped, those that stand twice or hold no word are dropped.
        """
        evidence = (evidence or "").strip()
        kept = tuple(dict.fromkeys(text.strip() for text in references if text and word.search(text)))
        if not evidence:
            return LeftOut("the source is empty")
        if not kept:
            return LeftOut("no reference holds a word")
        head, _, tail = self.text.partition("{evidence}")
        head, tail = head.format(**fields), tail.format(**fields)
        if evidence in head:  # the copy that counts as the evidence is the first
            return LeftOut("the source stands in the instruction")
        return Example(id=id, prompt=f"{head}{evidence}{tail}", references=kept, evidence=evidence)


def cut(text: str | None, limit: int | None) -> str:
    """The text's first ``limit`` characters, without a word that this cuts in two; all of it where the limit is None.

    Where white space is rare (a script that writes none), the cut falls between two characters.
    """
    text = (text or "").strip()
    if limit is None or len(text) <= limit:
        return text
    return text[:limit] if text[limit].isspace() else _SPACE_BEFORE_CUT.sub("", text[:limit])
