"""Checkpoints: which are complete, which is given, which are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from edt_sampling.training.lora.record import Measurement

FOLDER = "checkpoints"
STATE = "trainer_state.json"
"""Written last of all files of a checkpoint."""


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of this step lies, under the name that transformers gives it."""
    return folder / FOLDER / f"checkpoint-{step}"


def steps(folder: Path) -> list[int]:
    """The steps of the complete checkpoints, in order; one whose writing was cut short does not count."""
    return sorted(int(p.name.rpartition("-")[2]) for p in (folder / FOLDER).glob("checkpoint-*") if _complete(p))


def is_last(folder: Path, step: int) -> bool:
    """Whether training ends with this checkpoint."""
    state = json.loads((path_of(folder, step) / STATE).read_text(encoding="utf-8"))
    return bool(state["global_step"] >= state["max_steps"])


def chosen(log: Sequence[Measurement], saved: Sequence[int], *, best: bool) -> Measurement:
    """The measurement of the saved checkpoint with the lowest dev loss, the earliest of equals; with ``best`` off, of the last one."""
    candidates = [line for line in log if line["step"] in saved]
    return min(candidates, key=lambda line: line["dev_loss"]) if best else candidates[-1]


def drop(folder: Path, log: Sequence[Measurement], *, keep: int) -> None:
    """Deletes all checkpoints but the latest ``keep`` and the one with the lowest dev loss."""
    saved = steps(folder)
    kept = {*saved[-keep:], chosen(log, saved, best=True)["step"]}
    for step in saved:
        if step not in kept:
            path = path_of(folder, step)
            (path / STATE).unlink()  # first, so that a half deleted one does not count
            shutil.rmtree(path)


def _complete(path: Path) -> bool:
    try:
        json.loads((path / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
