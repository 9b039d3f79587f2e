"""A sweep's one stage: every cell and every fixed temperature on dev prompts, never on test."""

from __future__ import annotations

from dataclasses import replace

from edt_sampling.experiments.comparison import Comparison, check_ids
from edt_sampling.experiments.findings import StageName
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.stage import Stage
from edt_sampling.experiments.stages import dev_stage
from edt_sampling.store import Reader, StoreError, content_hash
from edt_sampling.tasks import Task

SWEEP: StageName = "sweep"


def make_sweep(recipe: Recipe, *, dev: Task, model_fingerprint: str) -> Comparison:
    """The sweep of a recipe's methods on these prompts with this model: a comparison without test prompts, and a run of its own;
    the task's metrics stand in where the recipe names none.

    Raises:
        ValueError: fewer than two examples, or two with one id.
    """
    recipe = recipe.for_task(dev.metrics)
    examples = tuple(dev.examples(recipe.dev_limit))
    check_ids(dev.name, dev=examples)
    content = content_hash({"kind": SWEEP, "recipe": recipe.identity(), "model": model_fingerprint, "dev": dev.fingerprint})
    return Comparison(recipe=recipe, task=dev.name, dev=examples, test=(), content=content)


def sweep_stage(sweep: Comparison) -> Stage:
    """All of it."""
    return replace(dev_stage(sweep), name=SWEEP)


def is_sweep(reader: Reader) -> bool:
    """Whether the run is a sweep's."""
    return SWEEP in reader.stages()


def check_complete(reader: Reader) -> None:
    """Raises StoreError for a run that is no sweep's, or not a complete one."""
    if not is_sweep(reader):
        raise StoreError(f"{reader.path}: is no run of edt sweep")
    done, wanted = len(reader.done(SWEEP)), len(reader.examples(reader.stages()[SWEEP]))
    if done < wanted:
        raise StoreError(f"{reader.path}: this run is not complete ({done} of {wanted} prompts): the same edt sweep goes on with it")
