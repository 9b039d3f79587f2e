"""A diagnosis from its first prompt to its last: teacher-forced, decoded, read, and read again by what disagrees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edt_sampling.experiments.diagnosis.reading import read
from edt_sampling.experiments.diagnosis.stages import CHECKPOINT, DROPOUT, READ, SAMPLES, Diagnosis
from edt_sampling.experiments.run import decode, force
from edt_sampling.experiments.stage import DEV, FORCED, Stage
from edt_sampling.protocol import Engine
from edt_sampling.store import Reader, StoreError, Writer

Tell = Callable[[str], object]
Watch = Callable[[Stage, Iterator[int], int], object]
"""Consumes a stage's units as they are done, given how many were done before."""


@dataclass(frozen=True, kw_only=True)
class DiagnosisSession:
    """A diagnosis at work: whatever is complete already is left as it is, and the rest is run. ``load`` gives a checkpoint's engine."""

    diagnosis: Diagnosis
    engine: Engine
    load: Callable[[str], Engine]
    writer: Writer
    reader: Reader
    watch: Watch
    warn: Tell

    def run(self) -> None:
        """All stages, one after the other; one checkpoint is loaded at a time. Stages of checkpoints or of dropout that an earlier start
        began, and this one does not name, must be complete.

        Raises:
            StoreError: the run holds more prompts than the recipe asks for.
            ValueError: a checkpoint is the model itself, or has another tokenizer; or the model has no dropout.
        """
        self._check_prompts()
        passes, first = self.diagnosis.recipe.dropout, self.diagnosis.examples[0]
        if passes:
            self.engine.read(first.prompt, first.references[0], dropout=0)  # a model without dropout is refused before anything is run
        at_work: dict[str, Any] = {"engine": self.engine, "writer": self.writer, "warn": self.warn}
        for name, work in ((FORCED[DEV], force), (SAMPLES, decode)):  # the first is quick, and finds a reference that is too long
            stage = self.diagnosis.stage(name)
            self._watch(stage, work(stage, **at_work))
        self._read(READ, self.engine)
        if passes:
            self._read(f"{DROPOUT}{passes}", self.engine, passes=passes)
        seen = {self.engine.fingerprint: "the model"}
        for folder in self.diagnosis.recipe.checkpoints:
            self._checkpoint(folder, seen)

    def _checkpoint(self, folder: str, seen: dict[str, str]) -> None:
        """Loads it, reads everything with it, and lets go of it."""
        engine = self.load(folder)
        if engine.fingerprint in seen:
            raise ValueError(f"checkpoints: {folder} has the weights of {seen[engine.fingerprint]}: give others, each once")
        seen[engine.fingerprint] = folder
        self._read(f"{CHECKPOINT}{engine.fingerprint}", engine)

    def _check_prompts(self) -> None:
        held, asked = len(self.reader.examples(DEV)), len(self.diagnosis.examples)
        if held > asked:
            raise StoreError(f"{self.writer.path}: holds {held} prompts already; give --limit {held} or more, or --out another folder")

    def _read(self, name: str, engine: Engine, *, passes: int = 0) -> None:
        stage = self.diagnosis.stage(name)
        self._watch(stage, read(stage, engine=engine, writer=self.writer, reader=self.reader, passes=passes, warn=self.warn))

    def _watch(self, stage: Stage, units: Iterator[int]) -> None:
        stage.begin(self.writer)
        self.watch(stage, units, sum(unit < len(stage.examples) for unit in self.writer.done(stage.name)))
