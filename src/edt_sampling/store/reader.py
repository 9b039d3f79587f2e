"""Reading a run: complete units only, in a fixed order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from edt_sampling.protocol import Reading, Trace
from edt_sampling.store.database import FILE_NAME, StoreError, check_version, connect_to_read, plain_errors
from edt_sampling.store.rows import Generation, Look, Rating, StepKey, StoredExample, StoredSetting, TextKey, UnitMemory
from edt_sampling.store.traces import ForcedSteps, unpack, unpack_forced, unpack_reading

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

    def looks(self) -> list[Look]:
        """The numbers of test prompts at which a verdict was drawn, rising."""
        rows = self._connection.execute("SELECT prompts, sequential FROM looks ORDER BY prompts")
        return [Look(prompts, bool(sequential)) for prompts, sequential in rows]

    def stages(self) -> dict[str, str]:
        """The stages begun, each with its split, in the order in which they began."""
        return dict(self._connection.execute("SELECT stage, split FROM stages ORDER BY rowid"))

    def examples(self, split: str) -> list[StoredExample]:
        """The prompts of a split, in the order of their unit numbers, which count from 0."""
        rows = self._connection.execute(
            'SELECT example, prompt, "references", "check" FROM examples WHERE split = ? ORDER BY unit', (split,)
        )
        return [
            StoredExample(id=name, prompt=prompt, references=tuple(json.loads(references)), check=check)
            for name, prompt, references, check in rows
        ]

    def settings(self, stage: str) -> list[StoredSetting]:
        """The settings of a stage, in the order of their numbers, which count from 0."""
        rows = self._connection.execute("SELECT method, policy, filters, role FROM settings WHERE stage = ? ORDER BY setting", (stage,))
        return [StoredSetting(method=method, policy=policy, filters=filters, role=role) for method, policy, filters, role in rows]

    def done(self, stage: str) -> list[int]:
        """The numbers of the stage's complete units, rising."""
        return [unit for (unit,) in self._connection.execute("SELECT unit FROM units WHERE stage = ? ORDER BY unit", (stage,))]

    def environments(self) -> list[dict[str, Any]]:
        """What the complete units were decoded under, each environment once."""
        rows = self._connection.execute(
            "SELECT description FROM environments WHERE environment IN (SELECT environment FROM units) ORDER BY environment"
        )
        return [json.loads(description) for (description,) in rows]

    def generations(self, stage: str, *, start: int = 0, stop: int | None = None, setting: int | None = None) -> Iterator[Generation]:
        """The stage's generations by unit, setting, seed and sample: of units from ``start`` up to but without ``stop`` (default: all),
        of one setting or of all."""
        names = tuple(Generation.__annotations__)
        for row in self._rows(_COLUMNS, stage, start, stop, setting):
            yield Generation(**dict(zip(names, row, strict=True)))

    def traces(self, stage: str, *, start: int = 0, stop: int | None = None, setting: int | None = None) -> Iterator[Trace]:
        """The traces of ``generations``, in the same order; reals rounded to float32."""
        for (blob,) in self._rows("trace", stage, start, stop, setting):
            yield unpack(blob)

    def _rows(self, columns: str, stage: str, start: int, stop: int | None, setting: int | None) -> Iterator[tuple[Any, ...]]:
        wanted = [("stage = ?", stage), ("unit >= ?", start), ("unit < ?", stop), ("setting = ?", setting)]
        conditions, values = zip(*(pair for pair in wanted if pair[1] is not None), strict=True)
        yield from self._connection.execute(f"SELECT {columns} FROM generations WHERE {' AND '.join(conditions)} {_ORDER}", values)

    def forced(self, stage: str) -> Iterator[ForcedSteps]:
        """The stage's teacher-forced references, by unit."""
        settings = len(self.settings(stage))
        for (blob,) in self._connection.execute("SELECT steps FROM forced WHERE stage = ? ORDER BY unit", (stage,)):
            yield unpack_forced(blob, settings)

    def readings(self, stage: str, *, unit: int | None = None) -> Iterator[tuple[int, TextKey, int, Reading]]:
        """The stage's readings, of one unit or of all, with their unit, text and pass: by unit, setting (the reference first), seed,
        sample and pass."""
        where, values = ("stage = ?", (stage,)) if unit is None else ("stage = ? AND unit = ?", (stage, unit))
        query = f"SELECT unit, setting, seed, sample, model, arrays FROM readings WHERE {where} {_ORDER}, model"
        for of, setting, seed, sample, model, arrays in self._connection.execute(query, values):
            yield of, TextKey(setting, seed, sample), model, unpack_reading(arrays)

    def steps(self) -> dict[str, StepKey]:
        """The key of the run's rating sheets: which step each item is."""
        rows = self._connection.execute("SELECT item, stage, unit, setting, seed, sample, step FROM steps ORDER BY item")
        return {item: StepKey(stage, unit, TextKey(*text), step) for item, stage, unit, *text, step in rows}

    def ratings(self) -> list[Rating]:
        """What people said, by rater and item."""
        rows = self._connection.execute("SELECT rater, item, certain, acceptable FROM ratings ORDER BY rater, item")
        return [Rating(*row) for row in rows]

    def memory(self) -> list[UnitMemory]:
        """What the engine held after each unit of which it is known, in the order in which they were done."""
        rows = self._connection.execute("SELECT start, stage, unit, memory FROM units WHERE memory IS NOT NULL ORDER BY rowid")
        return [UnitMemory(*row) for row in rows]

    def pieces(self, stage: str) -> dict[tuple[int, int, int, int], list[str]]:
        """What each token adds, for the texts that have been split: by unit, setting, seed and sample."""
        rows = self._connection.execute("SELECT unit, setting, seed, sample, pieces FROM pieces WHERE stage = ?", (stage,))
        return {tuple(key): json.loads(pieces) for *key, pieces in rows}
