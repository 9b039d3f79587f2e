"""The stages of a diagnosis: its prompts, what is decoded of them, and what reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edt_sampling.experiments.comparison import check_ids
from edt_sampling.experiments.diagnosis.recipe import UNTEMPERED, DiagnosisRecipe
from edt_sampling.experiments.stage import DEV, FORCED, Stage
from edt_sampling.store import Reader, StoredSetting, StoreError, Writer, content_hash, run_folder
from edt_sampling.tasks import Example, Task

SAMPLES, READ, CHECKPOINT, DROPOUT = "samples", "read", "checkpoint-", "dropout-"
"""The texts of each policy; what the model makes of them and of the references; what a checkpoint does, its fingerprint behind the name;
what passes with dropout do, their number behind it."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A recipe with its dev prompts, and the hash that names its run."""

    recipe: DiagnosisRecipe
    task: str
    examples: tuple[Example, ...]
    content: str

    def folder(self, parent: Path) -> Path:
        """Where its run lies."""
        return run_folder(parent, task=f"diagnose-{Path(self.task).stem}", content=self.content)

    def writer(self, parent: Path) -> Writer:
        """Its run, created or opened to go on."""
        return Writer(self.folder(parent), content=self.content, recipe=self.recipe.model_dump(mode="json"))

    def stage(self, name: str) -> Stage:
        """A stage of this name: every policy on every prompt."""
        settings = tuple(
            StoredSetting(
                method=spec.partition(":")[0], policy=spec, filters=self.recipe.filters, role="fixed" if spec == UNTEMPERED else "candidate"
            )
            for spec in self.recipe.decoded
        )
        return Stage(name=name, split=DEV, examples=self.examples, settings=settings, recipe=self.recipe)


def make_diagnosis(recipe: DiagnosisRecipe, *, dev: Task, model_fingerprint: str) -> Diagnosis:
    """The diagnosis of a recipe on these prompts with this model.

    Raises:
        ValueError: fewer than two examples, or two with one id.
    """
    examples = tuple(dev.examples(recipe.limit))
    check_ids(dev.name, dev=examples)
    content = content_hash({"kind": "diagnose", "recipe": recipe.identity(), "model": model_fingerprint, "dev": dev.fingerprint})
    return Diagnosis(recipe=recipe, task=dev.name, examples=examples, content=content)


def is_diagnosis(reader: Reader) -> bool:
    """Whether the run is a diagnosis."""
    return "policies" in reader.recipe()


def members(reader: Reader, kind: str) -> list[str]:
    """The run's stages of checkpoints, or of dropout, in the order in which they began."""
    return [stage for stage in reader.stages() if stage.startswith(kind)]


def check_complete(reader: Reader) -> None:
    """Raises StoreError, which says what is missing, for a run that is no diagnosis, or not a complete one."""
    if not is_diagnosis(reader):
        raise StoreError(f"{reader.path}: is no run of edt diagnose")
    wanted, begun = len(reader.examples(DEV)), reader.stages()
    for stage in dict.fromkeys((FORCED[DEV], SAMPLES, READ, *begun)):
        done = len(reader.done(stage)) if stage in begun else 0
        if done < wanted:
            raise StoreError(f"{reader.path}: this run is not complete (stage {stage}): the same edt diagnose goes on with it")
