"""Tasks: text in, prompts and references out."""

from __future__ import annotations

from pathlib import Path

from edt_sampling.plugins import Table
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.splits import SPLITS
from edt_sampling.tasks.task import Task

__all__ = ["TASKS", "Example", "Task", "load_task"]

TASKS = Table(
    "task",
    "edt_sampling.tasks",
    {
        "docstrings-summary": "edt_sampling.tasks.docstrings:summary_task",
        "docstrings-question": "edt_sampling.tasks.docstrings:question_task",
    },
)
"""Each name with a callable, ``(*, split: str, fresh: bool) -> Task``."""


def load_task(name_or_path: str | Path, *, split: str = "test", fresh: bool = False) -> Task:
    """The task of this name, or the examples of this JSONL file (an existing file, or a path that ends in ``.jsonl``).

    A file's lines name their split, or fall by a hash of their prompts, one third to ``dev`` and two thirds to ``test``.
    ``fresh`` takes the docstrings tasks' examples from whatever packages are installed instead of the frozen ones; these may
    have been in the bundled model's training data.
    Raises ValueError in one line for an unknown name or split, a bad file, or a file without a line of this split.
    """
    name = str(name_or_path)
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if name not in TASKS.built_in and (name.endswith(".jsonl") or Path(name).exists()):
        from edt_sampling.tasks.jsonl import JsonlTask

        if fresh:
            raise ValueError(f"{name}: fresh is for tasks on installed packages ({', '.join(TASKS.built_in)}), not for a file")
        return JsonlTask(name, split)
    return TASKS.find(name, also=", or a path to a JSONL file")(split=split, fresh=fresh)
