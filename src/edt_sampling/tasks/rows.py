"""Rows of parquet and Arrow files, read by number, so that a few rows of a large file cost a few of its pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq


class _Piece(NamedTuple):
    """A row group of a parquet file or a record batch of an Arrow file: its rows, and how to read some of its columns."""

    rows: int
    read: Callable[[list[str]], Any]


class Rows:
    """The rows of these files, one after the other, of which only ``columns`` are read.

    One piece is in memory at a time: of parquet a row group (1,000 rows as the hub writes them), of Arrow, which is mapped, next to
    nothing. Raises ValueError where a file cannot be read or lacks one of the columns.
    """

    def __init__(self, files: Sequence[Path], columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self._pieces = [piece for file in files for piece in _pieces(file, self.columns)]
        self._starts = np.cumsum([0, *(piece.rows for piece in self._pieces)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def column(self, name: str) -> list[Any]:
        """One column of all rows."""
        return [value for piece in self._pieces for value in piece.read([name]).column(name).to_pylist()]

    def take(self, numbers: npt.ArrayLike) -> dict[int, dict[str, Any]]:
        """The rows of these numbers, by number."""
        wanted = np.unique(np.asarray(numbers, dtype=np.int64))
        found: dict[int, dict[str, Any]] = {}
        for piece, start, end in zip(self._pieces, self._starts[:-1], self._starts[1:], strict=True):
            inside = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, end)]
            if inside.size:
                table = piece.read(self.columns).take(inside - start)
                found.update(zip(inside.tolist(), table.to_pylist(), strict=True))
        return found


def _pieces(file: Path, columns: list[str]) -> Iterator[_Piece]:
    try:
        names, pieces = _arrow(file) if file.suffix == ".arrow" else _parquet(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{file}: cannot be read ({' '.join(str(error).split())[:200]}); fetch it again") from None
    if missing := [column for column in columns if column not in names]:
        raise ValueError(f"{file}: holds no column {', '.join(missing)}; it holds {', '.join(names)}")
    yield from pieces


def _parquet(file: Path) -> tuple[list[str], list[_Piece]]:
    whole = pq.ParquetFile(file)
    sizes = [whole.metadata.row_group(i).num_rows for i in range(whole.num_row_groups)]
    return list(whole.schema_arrow.names), [_Piece(rows, partial(whole.read_row_group, i)) for i, rows in enumerate(sizes)]


def _arrow(file: Path) -> tuple[list[str], list[_Piece]]:
    batches = pa.ipc.open_stream(pa.memory_map(str(file))).read_all()
    return list(batches.schema.names), [_Piece(len(batch), pa.Table.from_batches([batch]).select) for batch in batches.to_batches()]
