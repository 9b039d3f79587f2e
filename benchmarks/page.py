"""docs/performance.md: the tables between its markers, and what they are drawn from beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import told
from benchmarks.parts import PARTS, load, missing
from benchmarks.record import Record, read
from benchmarks.table import Table
from benchmarks.targets import targets

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
RECORDS = PAGE.with_suffix("")
"""The folder of the records that the page was drawn from, and of its picture."""
LIBRARIES = {"llama-cpp": "llama-cpp-python", "mlx": "mlx", "onnxruntime-genai": "onnxruntime-genai", "vllm": "vllm", "metrics": "nltk"}
"""What a part measures besides what all do."""
BLOCK = re.compile(r"<!-- bench: ([a-z-]+) -->\n(.*?)<!-- end -->", flags=re.DOTALL)


def blocks(records: Sequence[Record]) -> dict[str, str]:
    """Markdown by the name of its marker: the tables of parts whose packages are here, and what is drawn from several parts' numbers."""
    by_part = {record.part: record for record in records}
    known = by_part["draw"].machine if "draw" in by_part else None
    parts = {name: drawn(record, known=known) for name, record in by_part.items() if not missing(name)}
    several: dict[str, list[Table]] = {"targets": targets(by_part)}
    if known:
        from benchmarks.summary import shares, summary  # which needs torch, as the draws do

        several = {"summary": summary(by_part), "shares": shares(by_part), **several}
    found = {name: joined(tables) for name, tables in several.items() if tables}
    if known:
        found["summary"] += f"\n\n*{told(known)}; {conditions(by_part['draw'])}.*"
    return found | parts


def drawn(record: Record, *, known: Mapping[str, Any] | None = None) -> str:
    """A part's tables, with a line that says when and how, and on which machine where that is not the ``known`` one.

    Raises ValueError for a record that lacks what the tables show: the part has changed since.
    """
    machine = "" if record.machine == known else f"{told(record.machine)}; "
    try:
        tables = load(record.part).tables(record.cases)
    except KeyError as lost:
        again = f"python -m benchmarks {record.part}"
        raise ValueError(
            f"the record of {record.part} is of {record.day} and lacks {lost}, which its table shows now: run {again}"
        ) from None
    return f"{joined(tables)}\n\n*{machine}{conditions(record)}.*"


def conditions(record: Record) -> str:
    """Threads, the load of others, the library that is measured, and the day."""
    threads = max(case.threads for case in record.cases)
    most = max(case.others for case in record.cases)
    package = LIBRARIES.get(record.part)
    version = f"{package} {record.machine['packages'][package]}; " if package in record.machine["packages"] else ""
    quick = ", a quick run" if record.quick else ""
    using = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{version}{using}; other processes kept at most {most:.2f} cores busy; {record.day}{quick}"


def joined(tables: Sequence[Table]) -> str:
    return "\n\n".join(table.markdown() for table in tables)


def filled(text: str, found: Mapping[str, str]) -> str:
    """The page with these blocks between their markers; the others stay. Raises ValueError for a block without a marker."""
    if lost := found.keys() - {name for name, _ in BLOCK.findall(text)}:
        raise ValueError(f"docs/performance.md has no marker for {', '.join(sorted(lost))}: add '<!-- bench: NAME -->' and '<!-- end -->'")

    def block(match: re.Match[str]) -> str:
        return f"<!-- bench: {match[1]} -->\n\n{found[match[1]]}\n\n<!-- end -->" if match[1] in found else match[0]

    return BLOCK.sub(block, text)


def write_page(records: Sequence[Record], *, page: Path = PAGE) -> None:
    """Writes the records into the folder beside the page, then the page and its picture from all records that are there."""
    from benchmarks.picture import write_picture

    folder = page.with_suffix("")
    for record in records:
        record.write(folder)
    kept = kept_records(folder)
    page.write_text(filled(page.read_text(encoding="utf-8"), blocks(kept)), encoding="utf-8")
    if draw := next((record for record in kept if record.part == "draw"), None):
        write_picture(draw, folder)


def kept_records(folder: Path) -> list[Record]:
    """The records in the folder, in the order of the parts."""
    return [read(folder / f"{name}.json") for name in PARTS if (folder / f"{name}.json").exists()]
