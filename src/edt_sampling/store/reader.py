"""Reading a run: complete units only, in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from edt_sampling.protocol import Trace
from edt_sampling.store.database import FILE_NAME, StoreError, check_version, connect_to_read, plain_errors
from edt_sampling.store.rows import Generation, StoredExample, StoredSetting
from edt_sampling.store.traces import unpack

_COLUMNS = ", ".join(Generation.__annotations__)
_ORDER = "ORDER BY unit, setting, seed, sample"


class Reader:
    """A run as it stands, also while another process writes it; a context manager.

    Args:
        run: the run's folder, or the SQLite file in it.

    Raises:
        StoreError: there is no run, or another version wrote it.
    """

    def __init__(self, run: Path) -> None:
        self.path = run / FILE_NAME if run.is_dir() else run
        if not self.path.is_file():
            raise StoreError(f"{run}: no run is here (a run is a folder with a {FILE_NAME})")
        with plain_errors(self.path):
            self._connection = connect_to_read(self.path)
            if not check_version(self._connection, self.path):
                raise StoreError(f"{self.path}: is not a run of edt-sampling")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def recipe(self) -> dict[str, Any]:
        """The recipe as it was stored."""
        return json.loads(self._connection.execute("SELECT recipe FROM run").fetchone()[0])

    def content(self) -> str:
        """The run's hash."""
        return self._connection.execute("SELECT hash FROM run").fetchone()[0]

    def examples(self) -> list[StoredExample]:
        """All prompts, in the order of their unit numbers, which count from 0."""
        rows = self._connection.execute('SELECT example, prompt, "references" FROM examples ORDER BY unit')
        return [StoredExample(id=name, prompt=prompt, references=tuple(json.loads(references))) for name, prompt, references in rows]

    def settings(self) -> list[StoredSetting]:
        """All settings, in the order of their numbers, which count from 0."""
        rows = self._connection.execute("SELECT method, policy, filters FROM settings ORDER BY setting")
        return [StoredSetting(method=method, policy=policy, filters=filters) for method, policy, filters in rows]

    def done(self) -> list[int]:
        """The numbers of the complete units, rising."""
        return [unit for (unit,) in self._connection.execute("SELECT unit FROM units ORDER BY unit")]

    def environments(self) -> list[dict[str, Any]]:
        """What the complete units were decoded under, each environment once."""
        rows = self._connection.execute(
            "SELECT description FROM environments WHERE environment IN (SELECT environment FROM units) ORDER BY environment"
        )
        return [json.loads(description) for (description,) in rows]

    def seconds(self) -> float:
        """Time that the complete units took, summed."""
        return self._connection.execute("SELECT coalesce(sum(seconds), 0) FROM units").fetchone()[0]

    def generations(self) -> Iterator[Generation]:
        """Every generation by unit, setting, seed and sample."""
        names = tuple(Generation.__annotations__)
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM generations {_ORDER}"):
            yield Generation(**dict(zip(names, row, strict=True)))

    def traces(self) -> Iterator[Trace]:
        """The traces of ``generations``, in the same order; reals rounded to float32."""
        for (blob,) in self._connection.execute(f"SELECT trace FROM generations {_ORDER}"):
            yield unpack(blob)
