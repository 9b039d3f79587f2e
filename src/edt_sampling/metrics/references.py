"""Outputs and their references line up: what every metric that compares with references checks first."""

from __future__ import annotations

from collections.abc import Sequence


def check_references(outputs: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Nothing, if there is one non-empty list of non-blank references for each output.

    A blank reference is refused because nothing can match it: every output would score 0 without a word of why.
    A reference list that is one string is refused because Python would take it for a list of letters.

    Raises:
        TypeError: ``outputs`` or one item of ``references`` is a string where a list of strings belongs.
        ValueError: the lengths differ, an output has no reference, or a reference is blank.
    """
    if isinstance(outputs, str):
        raise TypeError(f"outputs must be a list of strings, got the string {outputs[:40]!r}; write [output]")
    if len(outputs) != len(references):
        raise ValueError(f"references must hold one list for each output, got {len(references)} lists for {len(outputs)} outputs")
    for i, texts in enumerate(references):
        if isinstance(texts, str):
            raise TypeError(f"references[{i}] must be a list of strings, got the string {texts[:40]!r}; write [reference]")
        if not texts:
            raise ValueError(f"references[{i}] must hold at least one reference, got none; leave this prompt out")
        for j, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"references[{i}][{j}] must hold text, got {text!r}; leave it out")
