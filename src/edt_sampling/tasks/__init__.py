"""Tasks: text in, prompts and references out."""

from __future__ import annotations

from pathlib import Path

from edt_sampling.plugins import Table
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.parameters import FRESH, arguments, read_spec
from edt_sampling.tasks.splits import SPLITS
from edt_sampling.tasks.task import Task

__all__ = ["TASKS", "Example", "Task", "load_task"]

TASKS = Table(
    "task",
    "edt_sampling.tasks",
    {
        "docstrings-summary": "edt_sampling.tasks.docstrings:summary_task",
        "docstrings-question": "edt_sampling.tasks.docstrings:question_task",
        "programs": "edt_sampling.tasks.authored:programs_task",
        "stories": "edt_sampling.tasks.authored:stories_task",
        "xlsum": "edt_sampling.tasks.xlsum:xlsum_task",
        "quac": "edt_sampling.tasks.quac:quac_task",
        "ms_marco": "edt_sampling.tasks.ms_marco:ms_marco_task",
        "wmt19": "edt_sampling.tasks.wmt19:wmt19_task",
    },
)
"""Each name with a callable that takes ``split``, one of ``SPLITS``, by keyword and returns a ``Task``.

Its further keywords are the task's parameters, each a text with a default: ``def task(*, split, language="english")`` reads
``name:language=french``, checks the text itself, and raises ValueError that names the parameter, what is allowed and what was given.
A parameter that is a Python keyword has an underscore behind it (``from_``). One keyword is no parameter: ``fresh``, a truth value, in
tasks on installed packages; of the others ``load_task`` refuses it.
"""


def load_task(name_or_path: str | Path, *, split: str = "test", fresh: bool = False) -> Task:
    """The task that a spec names, such as ``xlsum:language=french``, or the examples of a JSONL file (an existing one, or ``.jsonl``).

    A file's lines name their split, or fall by a hash of their prompts, one third to ``dev`` and two thirds to ``test``.
    ``fresh`` takes the docstrings tasks' examples from whatever packages are installed instead of the frozen ones; these may
    have been in the bundled model's training data.
    Raises ValueError in one line for an unknown name, parameter or split, a bad file, or a file without a line of this split.
    """
    spec = str(name_or_path)
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if spec not in TASKS.built_in and (spec.endswith(".jsonl") or Path(spec).exists()):
        from edt_sampling.tasks.jsonl import JsonlTask

        if fresh:
            raise ValueError(f"{spec}: fresh is for tasks on installed packages ({', '.join(FRESH)}), not for a file")
        return JsonlTask(spec, split)
    name, parameters = read_spec(spec)
    factory = TASKS.find(name, also=", or a path to a JSONL file")
    return factory(split=split, **arguments(factory, name, parameters, fresh=fresh))
