"""The project's pages, taken apart: fenced blocks, prose, links, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GPU = ROOT / "docs" / "gpu.md"
DOCS = sorted(set((ROOT / "docs").glob("*.md")) - {GPU})
ENGINES = [*sorted((ROOT / "docs" / "engines").glob("*.md")), GPU]
"""Their blocks run in tests of their own, each in the environment that it needs."""
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS, *ENGINES]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language ('' where none is named), the page's line it begins at, and the last line above it that holds text."""

    language: str
    line: int
    text: str
    above: str


def shown(page: Path) -> str:
    """The page's name in test ids."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page; a fence that is never closed is an error."""
    found: list[Block] = []
    opened: Block | None = None
    fence = above = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})(.*)", line)
        if opened is None and mark:
            fence, opened = mark[1], Block(mark[2].strip(), number + 1, "", above)
        elif opened is not None and line.strip() == fence:
            found.append(opened)
            opened = None
        elif opened is not None:
            opened = Block(opened.language, opened.line, opened.text + line, opened.above)
        elif line.strip():
            above = line.strip()
    assert opened is None, f"{shown(page)}: the block at line {opened and opened.line} is not closed"
    return found


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^\s*(`{3,}|~{3,}).*?^\s*\1\s*$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def inline_code(page: Path) -> list[str]:
    """The `code` of a page's prose."""
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose(page))]


def links(page: Path) -> list[str]:
    """The targets of a page's links and images, in markdown and in HTML."""
    text = re.sub(r"(?<!`)`[^`]+`(?!`)", "code", prose(page))
    return re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(r"\b(?:href|src)=[\"']([^\"']+)", text)


def anchors(page: Path) -> set[str]:
    """What ``#...`` may follow a link to this page: its headings as GitHub spells them."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tables(page: Path) -> Iterator[list[list[str]]]:
    """The tables of a page: rows of cells, the header first, the line below it left out."""
    for table in re.findall(r"(?:^\|.*\|[ ]*\n)+", prose(page) + "\n", flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        yield [rows[0], *rows[2:]]
