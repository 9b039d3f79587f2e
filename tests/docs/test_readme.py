"""The README's Python with numbers in its comments is run, and gives these numbers."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from markdown_pages import ROOT, blocks

README = ROOT / "README.md"


def stated(line: str) -> list[float] | None:
    """The numbers at the start of a line's comment, ``# [0.3251, 0.6931] nats``; None where there are none."""
    comment = line.partition("  # ")[2].strip()
    try:
        return list(ast.literal_eval(comment[: comment.index("]") + 1]))
    except (ValueError, SyntaxError):
        return None


def test_the_numbers_in_comments_are_what_the_code_gives():
    (block,) = [b for b in blocks(README) if b.language == "python" and "import edt_sampling as edt" in b.text]
    lines, namespace, checked = block.text.splitlines(), {}, 0
    for statement in ast.parse(block.text).body:
        source = ast.get_source_segment(block.text, statement)
        if not isinstance(statement, ast.Expr):
            exec(source, namespace)
            continue
        value = eval(source, namespace)
        expected = stated(lines[statement.end_lineno - 1])
        if expected is not None:
            assert np.round(value, 4).tolist() == pytest.approx(expected, abs=1e-12), source
            checked += 1
    assert checked >= 2
