"""Writing a run: created once, then stage by stage, one transaction a unit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from edt_sampling.protocol import Completion, Forced, Reading
from edt_sampling.store.database import FILE_NAME, SCHEMA, SCHEMA_VERSION, StoreError, check_version, connect, plain_errors, transaction
from edt_sampling.store.environment import differences
from edt_sampling.store.identity import canonical_json
from edt_sampling.store.lock import held
from edt_sampling.store.rows import Rating, StepKey, StoredExample, StoredSetting, TextKey
from edt_sampling.store.traces import pack, pack_forced, pack_reading


class Writer:
    """The one process that writes a run; a context manager that holds the run's lock.

    Opens the run in ``folder``, or creates it; its recipe is this one from now on, which may differ from an earlier one in what the hash
    leaves out. A process that is killed at any moment leaves whole units behind; ``done`` says which, and the rest can be committed by the
    next Writer.

    Raises:
        StoreLockedError: another process holds the run.
        StoreError: the file is no run, another version's, another recipe's, or cannot be written.
    """

    def __init__(self, folder: Path, *, content: str, recipe: Mapping[str, Any]) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as opened, plain_errors(self.path):
            opened.enter_context(held(folder))
            self._connection = opened.enter_context(closing(connect(self.path)))
            if not check_version(self._connection, self.path):
                self._create(content, recipe)
            self._check_content(content)
            self._connection.execute("UPDATE run SET recipe = ?", (canonical_json(recipe),))
            (self._start,) = self._connection.execute("SELECT coalesce(max(start), 0) + 1 FROM units").fetchone()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def begin(self, stage: str, *, split: str, examples: Sequence[StoredExample], settings: Sequence[StoredSetting]) -> None:
        """Begins a stage, or goes on with it: the same settings on the same prompts, or on more of them.

        Raises:
            StoreError: the stage stands here with other settings, or the split with other prompts.
        """
        columns = [(s.method, s.policy, s.filters, s.role) for s in settings]
        prompts = [(e.id, e.prompt, canonical_json(e.references), e.check) for e in examples]
        with plain_errors(self.path), transaction(self._connection):
            known = self._connection.execute("SELECT 1 FROM stages WHERE stage = ?", (stage,)).fetchone()
            if not known:
                self._connection.execute("INSERT INTO stages VALUES (?, ?)", (stage, split))
                rows = [(stage, number, *column) for number, column in enumerate(columns)]
                self._connection.executemany("INSERT INTO settings VALUES (?, ?, ?, ?, ?, ?)", rows)
            query = "SELECT method, policy, filters, role FROM settings WHERE stage = ? ORDER BY setting"
            self._same(columns, query, stage, f"stage {stage} has other settings here")
            rows = [(split, unit, *prompt) for unit, prompt in enumerate(prompts)]
            self._connection.executemany("INSERT OR IGNORE INTO examples VALUES (?, ?, ?, ?, ?, ?)", rows)
            query = f'SELECT example, prompt, "references", "check" FROM examples WHERE split = ? ORDER BY unit LIMIT {len(prompts)}'
            self._same(prompts, query, split, f"split {split} has other prompts here")

    def done(self, stage: str) -> set[int]:
        """The numbers of the stage's units that are complete."""
        return {unit for (unit,) in self._connection.execute("SELECT unit FROM units WHERE stage = ?", (stage,))}

    def environment(self, description: Mapping[str, Any]) -> tuple[int, list[str]]:
        """The number of this environment, and how it differs from that of the last unit that was completed with the same model."""
        text = canonical_json(description)
        with plain_errors(self.path), transaction(self._connection):
            self._connection.execute("INSERT OR IGNORE INTO environments (description) VALUES (?)", (text,))
        (number,) = self._connection.execute("SELECT environment FROM environments WHERE description = ?", (text,)).fetchone()
        last = self._connection.execute(
            "SELECT description FROM environments JOIN units USING (environment)"
            " WHERE json_extract(description, '$.fingerprint') IS json_extract(?, '$.fingerprint') ORDER BY units.rowid DESC LIMIT 1",
            (text,),
        ).fetchone()
        return number, differences(json.loads(last[0]), json.loads(text)) if last else []

    def commit(
        self,
        stage: str,
        unit: int,
        completions: Mapping[int, Sequence[Completion]],
        *,
        environment: int,
        seconds: float,
        memory: int | None = None,
    ) -> None:
        """One unit's completions by seed, and the mark that it is done, in one transaction. ``memory``: bytes that the engine held."""
        rows = [_row(stage, unit, seed, completion) for seed, found in completions.items() for completion in found]
        marks = ", ".join("?" * 11)
        with plain_errors(self.path), transaction(self._connection):
            self._connection.executemany(f"INSERT INTO generations VALUES ({marks})", rows)
            self._mark(stage, unit, environment, seconds, memory)

    def commit_forced(self, stage: str, unit: int, forced: Forced, *, environment: int, seconds: float) -> None:
        """One unit's reference under all settings of the stage, and the mark that it is done, in one transaction."""
        with plain_errors(self.path), transaction(self._connection):
            self._connection.execute("INSERT INTO forced VALUES (?, ?, ?)", (stage, unit, pack_forced(forced)))
            self._mark(stage, unit, environment, seconds, None)

    def commit_readings(
        self,
        stage: str,
        unit: int,
        readings: Mapping[TextKey, Sequence[Reading]],
        *,
        environment: int,
        seconds: float,
        memory: int | None = None,
    ) -> None:
        """One unit's texts as they were read, each once or once a pass, and the mark that it is done, in one transaction."""
        rows = [(stage, unit, *key, model, pack_reading(one)) for key, passes in readings.items() for model, one in enumerate(passes)]
        with plain_errors(self.path), transaction(self._connection):
            self._connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._mark(stage, unit, environment, seconds, memory)

    def keep_steps(self, steps: Mapping[str, StepKey]) -> None:
        """Which step each item of a rating sheet is; what is known already stays."""
        rows = [(item, key.stage, key.unit, *key.text, key.step) for item, key in steps.items()]
        with plain_errors(self.path), transaction(self._connection):
            self._connection.executemany("INSERT OR IGNORE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def keep_ratings(self, rater: str, ratings: Sequence[Rating]) -> None:
        """What a rater says, in the place of all that the same rater said before."""
        with plain_errors(self.path), transaction(self._connection):
            self._connection.execute("DELETE FROM ratings WHERE rater = ?", (rater,))
            self._connection.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?)", ratings)

    def look(self, prompts: int, *, sequential: bool) -> None:
        """Notes that a verdict is drawn at so many test prompts."""
        with plain_errors(self.path), transaction(self._connection):
            self._connection.execute(
                "INSERT INTO looks VALUES (?, ?) ON CONFLICT DO UPDATE SET sequential = max(sequential, excluded.sequential)",
                (prompts, sequential),
            )

    def keep_pieces(self, stage: str, pieces: Mapping[tuple[int, int, int, int], Sequence[str]]) -> None:
        """What each token of these texts (unit, setting, seed, sample) adds to them."""
        rows = [(stage, *key, json.dumps(list(found), ensure_ascii=False)) for key, found in pieces.items()]
        with plain_errors(self.path), transaction(self._connection):
            self._connection.executemany("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _mark(self, stage: str, unit: int, environment: int, seconds: float, memory: int | None) -> None:
        """The unit is done; within a transaction."""
        mark = (stage, unit, environment, seconds, self._start, memory)
        self._connection.execute("INSERT INTO units VALUES (?, ?, ?, ?, ?, ?)", mark)

    def _same(self, expected: Sequence[tuple[str | None, ...]], query: str, key: str, problem: str) -> None:
        if self._connection.execute(query, (key,)).fetchall() != list(expected):
            raise StoreError(f"{self.path}: {problem}; give --out another folder")

    def _create(self, content: str, recipe: Mapping[str, Any]) -> None:
        run = (content, canonical_json(recipe), datetime.now(UTC).isoformat(timespec="seconds"))
        with transaction(self._connection):
            for statement in SCHEMA.split(";\n"):
                self._connection.execute(statement)
            self._connection.execute("INSERT INTO run VALUES (?, ?, ?)", run)
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _check_content(self, content: str) -> None:
        (found,) = self._connection.execute("SELECT hash FROM run").fetchone()
        if found != content:
            raise StoreError(
                f"{self.path}: holds another recipe, model or data ({found[:12]}, not {content[:12]}); give --out another folder"
            )


def _row(stage: str, unit: int, seed: int, completion: Completion) -> tuple[Any, ...]:
    trace = completion.trace
    key = (stage, unit, completion.setting, seed, completion.sample)
    means = (_mean(trace.entropy), _mean(trace.temperature))
    return (*key, completion.text, completion.finish, len(trace.tokens), *means, pack(trace))


def _mean(values: np.ndarray) -> float | None:
    return float(np.mean(values, dtype=np.float64)) if len(values) else None
