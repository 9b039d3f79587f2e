"""Two tasks on the documentation of installed packages: real text that is on every user's machine.

* ``docstrings-summary``: the body of a docstring in; its one-line summary is the reference.
* ``docstrings-question``: a numpydoc-style docstring and "What is the parameter x?" in; the
  description that its author wrote is the reference.

Both are frozen: a manifest of names and hashes says the same examples on every machine. With ``fresh`` they hold
whatever is installed; then they may have been in the bundled model's training data.
"""

from __future__ import annotations

from edt_sampling.tasks.card import Card
from edt_sampling.tasks.fresh import FreshTask, Selection
from edt_sampling.tasks.frozen import FrozenTask
from edt_sampling.tasks.manifest import PACKAGES, read_manifest
from edt_sampling.tasks.selection import held_out_questions, held_out_summaries
from edt_sampling.tasks.task import Task

_SOURCE = f"the documentation of {', '.join(PACKAGES)} as installed, verified by hash; with --fresh, of every installed package"
_SPLITS = "dev and test are frozen lists, near-duplicates on one side; the rest trained the bundled model"


def summary_task(*, split: str, fresh: bool) -> Task:
    """The summary task, frozen or fresh."""
    about = "the body of a docstring in, its one-line summary as the reference"
    return _task("docstrings-summary", about, split, held_out_summaries if fresh else None)


def question_task(*, split: str, fresh: bool) -> Task:
    """The question task, frozen or fresh."""
    about = 'a docstring and "What is the parameter x?" in, what its author wrote as the reference'
    return _task("docstrings-question", about, split, held_out_questions if fresh else None)


def _task(name: str, about: str, split: str, select: Selection | None) -> Task:
    task = FreshTask(name, split, select) if select else FrozenTask(name, split, read_manifest(name))
    task.card = Card(about=about, source=_SOURCE, splits=_SPLITS, offline=True)
    return task
