"""Writing a run: created once, then one transaction a unit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from edt_sampling.protocol import Completion
from edt_sampling.store.database import FILE_NAME, SCHEMA, SCHEMA_VERSION, StoreError, check_version, connect, plain_errors, transaction
from edt_sampling.store.environment import differences
from edt_sampling.store.identity import canonical_json
from edt_sampling.store.lock import held
from edt_sampling.store.rows import StoredExample, StoredSetting
from edt_sampling.store.traces import pack


class Writer:
    """The one process that writes a run; a context manager that holds the run's lock.

    Opens the run in ``folder``, or creates it with these contents. A process that is killed at any moment leaves whole
    units behind; ``done`` says which, and the rest can be committed by the next Writer.

    Raises:
        StoreLockedError: another process holds the run.
        StoreError: the file is no run, another version's, another recipe's, or cannot be written.
    """

    def __init__(
        self, folder: Path, *, content: str, recipe: Mapping[str, Any], examples: Sequence[StoredExample], settings: Sequence[StoredSetting]
    ) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._examples = [example.id for example in examples]
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened, plain_errors(self.path):
            opened.enter_context(held(folder))
            self._connection = opened.enter_context(closing(connect(self.path)))
            if not check_version(self._connection, self.path):
                self._create(content, recipe, examples, settings)
            self._check_content(content)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def done(self) -> set[int]:
        """The numbers of the units that are complete."""
        return {unit for (unit,) in self._connection.execute("SELECT unit FROM units")}

    def environment(self, description: Mapping[str, Any]) -> tuple[int, list[str]]:
        """The number of this environment, and how it differs from that of the last unit that is complete."""
        text = canonical_json(description)
        with plain_errors(self.path), transaction(self._connection):
            self._connection.execute("INSERT OR IGNORE INTO environments (description) VALUES (?)", (text,))
        (number,) = self._connection.execute("SELECT environment FROM environments WHERE description = ?", (text,)).fetchone()
        last = self._connection.execute(
            "SELECT description FROM environments JOIN units USING (environment) ORDER BY unit DESC LIMIT 1"
        ).fetchone()
        return number, differences(json.loads(last[0]), json.loads(text)) if last else []

    def commit(self, unit: int, completions: Mapping[int, Sequence[Completion]], *, environment: int, seconds: float) -> None:
        """One unit's completions by seed, and the mark that it is done, in one transaction."""
        rows = [self._row(unit, seed, completion) for seed, found in completions.items() for completion in found]
        marks = ", ".join("?" * 11)
        with plain_errors(self.path), transaction(self._connection):
            self._connection.executemany(f"INSERT INTO generations VALUES ({marks})", rows)
            self._connection.execute("INSERT INTO units VALUES (?, ?, ?)", (unit, environment, seconds))

    def _row(self, unit: int, seed: int, completion: Completion) -> tuple[Any, ...]:
        trace = completion.trace
        key = (unit, self._examples[unit], completion.setting, seed, completion.sample)
        means = (_mean(trace.entropy), _mean(trace.temperature))
        return (*key, completion.text, completion.finish, len(trace.tokens), *means, pack(trace))

    def _create(
        self, content: str, recipe: Mapping[str, Any], examples: Sequence[StoredExample], settings: Sequence[StoredSetting]
    ) -> None:
        run = (content, canonical_json(recipe), datetime.now(UTC).isoformat(timespec="seconds"))
        units = [(unit, e.id, e.prompt, canonical_json(e.references)) for unit, e in enumerate(examples)]
        with transaction(self._connection):
            for statement in SCHEMA.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO run VALUES (?, ?, ?)", run)
            self._connection.executemany("INSERT INTO examples VALUES (?, ?, ?, ?)", units)
            self._connection.executemany(
                "INSERT INTO settings VALUES (?, ?, ?, ?)", [(i, s.method, s.policy, s.filters) for i, s in enumerate(settings)]
            )
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _check_content(self, content: str) -> None:
        (found,) = self._connection.execute("SELECT hash FROM run").fetchone()
        if found != content:
            raise StoreError(
                f"{self.path}: holds another recipe, model or data ({found[:12]}, not {content[:12]}); give --out another folder"
            )


def _mean(values: np.ndarray) -> float | None:
    return float(np.mean(values, dtype=np.float64)) if len(values) else None
