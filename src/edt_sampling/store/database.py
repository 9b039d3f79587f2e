"""The SQLite file of a run: its tables, its connection, and what SQLite's errors mean to a reader."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = "run.sqlite"
SCHEMA_VERSION = 3
SCHEMA = """
CREATE TABLE run (hash TEXT NOT NULL, recipe TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE looks (                    -- each number of test prompts at which a verdict was drawn
    prompts INTEGER PRIMARY KEY,
    sequential INTEGER NOT NULL         -- whether prompts are added until something is seen
);
CREATE TABLE examples (
    split TEXT NOT NULL,
    unit INTEGER NOT NULL,
    example TEXT NOT NULL,
    prompt TEXT NOT NULL,
    "references" TEXT NOT NULL,
    "check" TEXT,                       -- the tests of programs; null where outputs are not run
    PRIMARY KEY (split, unit),
    UNIQUE (split, example)
);
CREATE TABLE stages (stage TEXT PRIMARY KEY, split TEXT NOT NULL);
CREATE TABLE settings (
    stage TEXT NOT NULL REFERENCES stages,
    setting INTEGER NOT NULL,
    method TEXT NOT NULL,
    policy TEXT NOT NULL,
    filters TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (stage, setting)
);
CREATE TABLE environments (environment INTEGER PRIMARY KEY, description TEXT NOT NULL UNIQUE);
CREATE TABLE units (                    -- a row here is the mark that the unit is done
    stage TEXT NOT NULL REFERENCES stages,
    unit INTEGER NOT NULL,
    environment INTEGER NOT NULL REFERENCES environments,
    seconds REAL NOT NULL,
    start INTEGER NOT NULL,             -- the number of the start of the run that did it, counted from 1
    memory INTEGER,                     -- bytes that the engine held; null where it does not know
    PRIMARY KEY (stage, unit)
);
CREATE TABLE generations (
    stage TEXT NOT NULL,
    unit INTEGER NOT NULL,
    setting INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    text TEXT NOT NULL,
    finish TEXT NOT NULL,               -- end, stop or length
    tokens INTEGER NOT NULL,
    mean_entropy REAL,                  -- nats; null where no token was generated
    mean_temperature REAL,
    trace BLOB NOT NULL,                -- store/traces.py
    PRIMARY KEY (stage, unit, setting, seed, sample),
    FOREIGN KEY (stage, setting) REFERENCES settings
);
CREATE TABLE forced (                   -- references, teacher-forced under all settings of a stage
    stage TEXT NOT NULL REFERENCES stages,
    unit INTEGER NOT NULL,
    steps BLOB NOT NULL,                -- store/traces.py
    PRIMARY KEY (stage, unit)
);
CREATE TABLE readings (                 -- texts read by a model, untempered
    stage TEXT NOT NULL REFERENCES stages,
    unit INTEGER NOT NULL,
    setting INTEGER NOT NULL,           -- whose text it is; -1, with seed and sample 0, for the unit's first reference
    seed INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    model INTEGER NOT NULL,             -- 0; with dropout, the number of the pass
    arrays BLOB NOT NULL,               -- store/traces.py
    PRIMARY KEY (stage, unit, setting, seed, sample, model)
);
CREATE TABLE steps (                    -- the key of the steps that people are asked to rate
    item TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    unit INTEGER NOT NULL,
    setting INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    step INTEGER NOT NULL
);
CREATE TABLE ratings (
    rater TEXT NOT NULL,
    item TEXT NOT NULL REFERENCES steps,
    certain INTEGER,                    -- 1 to 5; null where it was left empty
    acceptable INTEGER,                 -- 0 to 4; likewise
    PRIMARY KEY (rater, item)
);
CREATE TABLE pieces (                   -- what each token adds to the text, for the texts that the page shows
    stage TEXT NOT NULL,
    unit INTEGER NOT NULL,
    setting INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    sample INTEGER NOT NULL,
    pieces TEXT NOT NULL,
    PRIMARY KEY (stage, unit, setting, seed, sample)
);
"""


class StoreError(OSError):
    """A run's file cannot be used; the message is one line that says which and why."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that keeps every committed transaction through a kill, with transactions begun and ended by us alone."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=30)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """All of the block's statements, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has already rolled back after some errors, a full disk among them
            connection.execute("ROLLBACK")
        raise


@contextmanager
def plain_errors(path: Path) -> Generator[None]:
    """SQLite's errors as a StoreError of one line."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: {_meaning(error)}") from error


def check_version(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file holds a run; a StoreError if another version of the schema made it."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found not in (0, SCHEMA_VERSION):
        raise StoreError(f"{path}: written by another version of edt-sampling (schema {found}, this one reads {SCHEMA_VERSION})")
    return found == SCHEMA_VERSION


def _meaning(error: sqlite3.DatabaseError) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    meanings = {
        sqlite3.SQLITE_FULL: "the disk is full; the prompts done so far are kept, the same command goes on once there is room",
        sqlite3.SQLITE_READONLY: "the folder or file cannot be written to",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened or created; is the folder there, and writable?",
        sqlite3.SQLITE_IOERR: "the disk failed to read or write; the prompts done so far are kept",
        sqlite3.SQLITE_NOTADB: "is not a run of edt-sampling",
        sqlite3.SQLITE_CORRUPT: "is damaged",
        sqlite3.SQLITE_BUSY: "another process holds it",
    }
    return f"{meanings[code]} ({error})" if code in meanings else str(error)
