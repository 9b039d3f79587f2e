"""Rows by number, from parquet in pieces and from what datasets.save_to_disk writes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset

from edt_sampling.tasks.rows import Rows

TABLE = pa.table({"n": list(range(10)), "text": [f"t{i}" for i in range(10)], "unread": [[i] for i in range(10)]})


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The table in two files, in pieces of 4, 2 and 3, 1 rows."""
    for name, rows, size in (("a", TABLE.slice(0, 6), 4), ("b", TABLE.slice(6), 3)):
        pq.write_table(rows, tmp_path / f"{name}.parquet", row_group_size=size)
    return [tmp_path / "a.parquet", tmp_path / "b.parquet"]


def test_rows_of_several_files_are_numbered_through(files: list[Path]) -> None:
    rows = Rows(files, ["n", "text"])
    assert len(rows) == 10
    assert rows.column("n") == list(range(10))
    assert rows.take([9, 0, 5, 6, 5]) == {i: {"n": i, "text": f"t{i}"} for i in (0, 5, 6, 9)}
    assert rows.take([]) == {}


def test_only_the_pieces_that_hold_them_are_read(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda self, i, columns: read.append(i) or whole(self, i, columns))
    Rows(files, ["n"]).take([4, 5])
    assert read == [1]


def test_what_save_to_disk_writes(tmp_path: Path) -> None:
    Dataset(TABLE).save_to_disk(tmp_path, num_shards=2)
    rows = Rows(sorted(tmp_path.glob("data-*.arrow")), ["n", "text"])
    assert len(rows) == 10
    assert rows.take([7, 2]) == {2: {"n": 2, "text": "t2"}, 7: {"n": 7, "text": "t7"}}
    assert rows.column("text") == [f"t{i}" for i in range(10)]


def test_a_missing_column_is_named(files: list[Path]) -> None:
    with pytest.raises(ValueError, match=r"a\.parquet: holds no column summary; it holds n, text, unread"):
        Rows(files, ["text", "summary"])


@pytest.mark.parametrize("name", ["0000.parquet", "data-0.arrow"])
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=rf"{name}: cannot be read .*; fetch it again") as caught:
        Rows([tmp_path / name], ["n"])
    assert "\n" not in str(caught.value)
