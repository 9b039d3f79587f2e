"""A plan: a recipe with its examples, settings and requests, and the hash that names its run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edt_sampling.experiments.recipe import Recipe
from edt_sampling.protocol import Request, Setting
from edt_sampling.store import StoredExample, StoredSetting, Writer, content_hash, run_folder
from edt_sampling.tasks import Example, Task


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Units are prompts, numbered as in ``examples``; all settings and samples of one decode together."""

    recipe: Recipe
    task: str
    examples: tuple[Example, ...]
    settings: tuple[tuple[str, Setting], ...]
    content: str

    @property
    def texts(self) -> int:
        """How many texts the whole run holds."""
        return len(self.examples) * len(self.settings) * self.recipe.samples * len(self.recipe.seeds)

    def folder(self, parent: Path) -> Path:
        """Where the run of this plan lies."""
        return run_folder(parent, task=Path(self.task).stem, content=self.content)

    def writer(self, parent: Path) -> Writer:
        """The run of this plan, created or opened to go on."""
        return Writer(
            self.folder(parent),
            content=self.content,
            recipe=self.recipe.model_dump(mode="json"),
            examples=[StoredExample(id=e.id, prompt=e.prompt, references=e.references) for e in self.examples],
            settings=[StoredSetting(method=name, policy=str(s.policy), filters=str(s.filters)) for name, s in self.settings],
        )

    def requests(self, unit: int) -> list[Request]:
        """The unit's prompt under every setting, a request for each seed."""
        example, recipe = self.examples[unit], self.recipe
        settings = tuple(setting for _, setting in self.settings)
        first = Request(
            id=request_id(example.id),
            prompt=example.prompt,
            settings=settings,
            samples=recipe.samples,
            max_new_tokens=recipe.max_new_tokens,
            stop=tuple(recipe.stop),
        )
        return [replace(first, seed=seed) for seed in recipe.seeds]


def make_plan(recipe: Recipe, *, task: Task, model_fingerprint: str) -> Plan:
    """The plan of a recipe on these examples with this model.

    Raises:
        ValueError: the task has no example, or two with one id.
    """
    examples = tuple(task.examples(recipe.limit))
    if not examples:
        raise ValueError(f"task {task.name}: no examples")
    _check_ids(task.name, examples)
    content = content_hash({"recipe": recipe.identity(), "model": model_fingerprint, "task": task.fingerprint})
    return Plan(recipe=recipe, task=task.name, examples=examples, settings=tuple(recipe.settings()), content=content)


def request_id(example: str) -> int:
    """The key of an example's random numbers, below 2**63: a function of its id alone, so that it draws alike in every run."""
    return int.from_bytes(hashlib.sha256(example.encode()).digest()[:8], "big") >> 1


def _check_ids(task: str, examples: Sequence[Example]) -> None:
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise ValueError(f"task {task}: two examples have the id {example.id!r}")
        seen.add(example.id)
