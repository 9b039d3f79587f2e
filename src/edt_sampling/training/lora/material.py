"""What a fine-tuning starts from, all of it read and checked before any weights are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.engines.fingerprint import fingerprint
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.engines.transformers.adapters import base_of
from edt_sampling.engines.transformers.loading import read_tokenizer
from edt_sampling.store import content_hash, run_folder
from edt_sampling.tasks import load_task
from edt_sampling.training.lora.examples import Split, read_split
from edt_sampling.training.lora.recipe import TrainRecipe


@dataclass(frozen=True, kw_only=True)
class Material:
    """A recipe with its examples as rows; ``source`` is where the model's files are, ``max_length`` what its rows hold at most."""

    recipe: TrainRecipe
    source: str
    fingerprint: str
    tokenizer: Any
    max_length: int | None
    train: Split
    dev: Split

    @cached_property
    def content(self) -> str:
        """A hash of everything that decides what is learnt."""
        model = {"fingerprint": self.fingerprint, "max_length": self.max_length}
        return content_hash(
            {"recipe": self.recipe.identity(), "model": model, "train": self.train.fingerprint, "dev": self.dev.fingerprint}
        )

    def folder(self, parent: Path) -> Path:
        """Where it lies."""
        return run_folder(parent, task=f"lora-{Path(self.train.task).stem}", content=self.content)

    @property
    def base(self) -> str:
        """What the adapter calls its model: the bundled one and one of the hub by name, a folder by its whole path."""
        return str(Path(self.source).resolve()) if self.recipe.model != BUNDLED and Path(self.source).is_dir() else self.recipe.model

    def facts(self) -> dict[str, Any]:
        """What a reader of the result must know of it."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "model": {"name": self.base, "fingerprint": self.fingerprint},
            "task": self.train.task,
            "max_length": self.max_length,
            "train": self.train.describe(),
            "dev": self.dev.describe(),
        }


def gather(recipe: TrainRecipe, *, tell: Callable[[str], object], trust_remote_code: bool = False) -> Material:
    """The material of a recipe; ``tell`` is told where reading the task takes long.

    Raises ValueError for a task without train and dev examples that the model can read, for a length that it cannot, and for a model
    that is an adapter or has no end token; OSError for one that cannot be read.
    """
    name = recipe.model
    if name != BUNDLED and base_of(name) is not None:
        raise ValueError(f"model {name!r} is a LoRA adapter: give a whole model, such as one that was written with merge = true")
    source = model_source(name)
    tokenizer = read_tokenizer(source, name=name, trust_remote_code=trust_remote_code)
    if tokenizer.eos_token_id is None:
        raise ValueError(f"model {name!r}: its tokenizer has no end token, and an answer could not learn to end")
    config = _config(source, name, trust_remote_code)
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    length = _length(recipe, positions)
    prompts = Prompts(tokenizer, name=name, positions=positions, chat=recipe.chat)
    train, dev = (load_task(recipe.task, split=split) for split in ("train", "dev"))
    if train.notice:
        tell(train.notice)
    return Material(
        recipe=recipe,
        source=source,
        fingerprint=fingerprint(source, config),
        tokenizer=tokenizer,
        max_length=length,
        train=read_split(train, prompts, limit=recipe.limit, max_length=length),
        dev=read_split(dev, prompts, limit=recipe.dev_limit, max_length=length),
    )


def _config(source: str, name: str, trust_remote_code: bool) -> Any:
    try:
        return AutoConfig.from_pretrained(source, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError) as error:
        raise OSError(f"model {name!r} cannot be loaded: {str(error).strip().partition(chr(10))[0]}") from error


def _length(recipe: TrainRecipe, positions: int | None) -> int | None:
    """The longest row: as the recipe says, or as many tokens as the model has positions."""
    if recipe.max_length is not None and positions is not None and recipe.max_length > positions:
        raise ValueError(f"max_length: {recipe.model!r} has {positions} positions, got {recipe.max_length}")
    if recipe.packing and recipe.max_length is None and positions is None:
        raise ValueError(f"packing: needs max_length for {recipe.model!r}, which has no limit of its own")
    return recipe.max_length or positions
