"""training.json: what was learnt from what, each start, each measurement, and what was given in the end."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict


class Measurement(TypedDict):
    """One line of the log. Losses are nats a token of the answers; ``train_loss`` is the mean over the steps since the last line (None at
    step 0), ``dev_loss`` that of all dev examples; ``tokens`` were read so far, prompts included; ``seconds`` were spent so far."""

    step: int
    epoch: float
    train_loss: float | None
    dev_loss: float
    learning_rate: float | None
    tokens: int
    seconds: float


class Record:
    """The file in a training's folder, rewritten at once at every change."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "training.json"
        self._values: dict[str, Any] = {"starts": [], "log": [], "chosen": None, "written": None}
        if self.file.exists():
            self._values = json.loads(self.file.read_text(encoding="utf-8"))

    def begin(self, facts: Mapping[str, Any], *, step: int, environment: Mapping[str, Any]) -> dict[str, Any] | None:
        """Notes a start at this step, and drops what an earlier one logged behind it, which is done again. Returns the last start's
        environment, None for the first."""
        starts = self._values["starts"]
        before = starts[-1]["environment"] if starts else None
        log = [line for line in self.log if line["step"] <= step]
        self._values = {**facts, **self._values, "starts": [*starts, {"step": step, "environment": dict(environment)}], "log": log}
        self._save()
        return before

    @property
    def log(self) -> list[Measurement]:
        """The measurements so far, by step."""
        return self._values["log"]

    def add(self, line: Measurement) -> None:
        """Logs one."""
        self.log.append(line)
        self._save()

    def finish(self, *, step: int, why: str, dev_loss: float, written: str) -> None:
        """Notes which checkpoint was given, and as what: an adapter, or merged."""
        self._values |= {"chosen": {"step": step, "why": why, "dev_loss": dev_loss}, "written": written}
        self._save()

    @property
    def chosen(self) -> dict[str, Any] | None:
        """The checkpoint that was given; None before the end."""
        return self._values["chosen"]

    @property
    def written(self) -> str | None:
        """As what the model was written: ``adapter`` or ``merged``; None before the end."""
        return self._values["written"]

    def _save(self) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self._values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(new, self.file)
