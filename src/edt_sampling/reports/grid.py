"""A table of the page: what it says, before any HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Column(NamedTuple):
    """``kind``: numbers stand to the right, words to the left, a setting is a policy's spec string, prose may take several lines."""

    name: str
    kind: Literal["number", "word", "setting", "prose"] = "number"


METHOD = Column("method", "word")
SETTING = Column("setting", "setting")


@dataclass(frozen=True)
class Grid:
    """Cells of text under their columns; the first cell of a row is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
