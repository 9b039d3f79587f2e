"""A comparison: a recipe with its dev and test prompts, and the hash that names its run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edt_sampling.experiments.recipe import Recipe
from edt_sampling.store import Writer, content_hash, run_folder
from edt_sampling.tasks import Example, Task


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """``dev`` chooses the settings, ``test`` judges them; ``test`` holds all prompts that may be used, where the recipe says ``until``."""

    recipe: Recipe
    task: str
    dev: tuple[Example, ...]
    test: tuple[Example, ...]
    content: str

    def folder(self, parent: Path) -> Path:
        """Where its run lies."""
        return run_folder(parent, task=Path(self.task).stem, content=self.content)

    def writer(self, parent: Path) -> Writer:
        """Its run, created or opened to go on."""
        return Writer(self.folder(parent), content=self.content, recipe=self.recipe.model_dump(mode="json"))


def make_comparison(recipe: Recipe, *, dev: Task, test: Task, model_fingerprint: str) -> Comparison:
    """The comparison of a recipe on these examples with this model; the task's metrics stand in where the recipe names none.

    Raises:
        ValueError: a split has fewer than two examples, or two with one id; or the splits share one.
    """
    recipe = recipe.for_task(test.metrics)
    choosing = tuple(dev.examples(recipe.dev_limit))
    judging = tuple(test.examples(recipe.test_limit))
    check_ids(dev.name, dev=choosing, test=judging)
    content = content_hash({"recipe": recipe.identity(), "model": model_fingerprint, "dev": dev.fingerprint, "test": test.fingerprint})
    return Comparison(recipe=recipe, task=test.name, dev=choosing, test=judging, content=content)


def request_id(example: str) -> int:
    """The key of an example's random numbers, below 2**63: a function of its id alone, so that it draws alike in every run."""
    return int.from_bytes(hashlib.sha256(example.encode()).digest()[:8], "big") >> 1


def check_ids(task: str, **splits: Sequence[Example]) -> None:
    """Raises ValueError where a split has fewer than two examples, or two with one id, or shares one with another split."""
    seen: dict[str, str] = {}
    for split, examples in splits.items():
        if len(examples) < 2:
            raise ValueError(f"task {task}: {split} must hold two examples or more, got {len(examples)}")
        for example in examples:
            if seen.setdefault(example.id, split) != split:
                raise ValueError(f"task {task}: example {example.id!r} stands in {seen[example.id]} and in {split}")
        if len({example.id for example in examples}) < len(examples):
            twice = next(e.id for i, e in enumerate(examples) if e.id in {x.id for x in examples[:i]})
            raise ValueError(f"task {task}: two examples of {split} have the id {twice!r}")
