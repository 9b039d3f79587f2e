"""Tasks: text in, prompts and references out."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.splits import SPLITS
from edt_sampling.tasks.task import Task

__all__ = ["BUILT_IN", "Example", "Task", "load_task"]

BUILT_IN = {
    "docstrings-summary": "edt_sampling.tasks.docstrings:summary_task",
    "docstrings-question": "edt_sampling.tasks.docstrings:question_task",
}
ENTRY_POINTS = "edt_sampling.tasks"  # a name to a callable, (*, split: str, fresh: bool) -> Task


def load_task(name_or_path: str | Path, *, split: str = "test", fresh: bool = False) -> Task:
    """The task of this name, or the examples of this JSONL file (an existing file, or a path that ends in ``.jsonl``).

    A file has no splits: all its lines are examples, whatever ``split`` is. ``fresh`` takes the docstrings tasks' examples
    from whatever packages are installed instead of the frozen ones; these may have been in the bundled model's training data.
    Raises ValueError in one line for an unknown name or split, or a bad file.
    """
    name = str(name_or_path)
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if name not in BUILT_IN and (name.endswith(".jsonl") or Path(name).exists()):
        from edt_sampling.tasks.jsonl import JsonlTask

        if fresh:
            raise ValueError(f"{name}: fresh is for tasks on installed packages ({', '.join(BUILT_IN)}), not for a file")
        return JsonlTask(name, split)
    return _factory(name)(split=split, fresh=fresh)


def _factory(name: str) -> Callable[..., Task]:
    """What makes the task of this name; entry points are scanned only for a name that is not built in."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)
    for entry in entry_points(group=ENTRY_POINTS, name=name):
        return entry.load()
    close = get_close_matches(name, BUILT_IN, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise ValueError(f"unknown task {name!r}, and no file of that name{hint} Known: {', '.join(BUILT_IN)}, or a path to a JSONL file")
