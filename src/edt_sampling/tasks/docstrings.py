"""Two tasks on the documentation of installed packages: real text that is on every user's machine.

* ``docstrings-summary``: the body of a docstring in; its one-line summary is the reference.
* ``docstrings-question``: a numpydoc-style docstring and "What is the parameter x?" in; the
  description that its author wrote is the reference.

Both are frozen: a manifest of names and hashes says the same examples on every machine. With ``fresh`` they hold
whatever is installed; then they may have been in the bundled model's training data.
"""

from __future__ import annotations

from edt_sampling.tasks.fresh import FreshTask
from edt_sampling.tasks.frozen import FrozenTask
from edt_sampling.tasks.manifest import read_manifest
from edt_sampling.tasks.selection import held_out_questions, held_out_summaries
from edt_sampling.tasks.task import Task


def summary_task(*, split: str, fresh: bool) -> Task:
    """The summary task, frozen or fresh."""
    name = "docstrings-summary"
    return FreshTask(name, split, held_out_summaries) if fresh else FrozenTask(name, split, read_manifest(name))


def question_task(*, split: str, fresh: bool) -> Task:
    """The question task, frozen or fresh."""
    name = "docstrings-question"
    return FreshTask(name, split, held_out_questions) if fresh else FrozenTask(name, split, read_manifest(name))
