"""What a diagnosis is made of, validated and documented field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edt_sampling.experiments.recipe import FilterSpec, Named, PolicySpec
from edt_sampling.policies import Fixed

UNTEMPERED = str(Fixed(temperature=1))
NOT_IN_HASH = {"model", "task", "metrics", "limit", "checkpoints", "dropout", "device", "threads", "cache_bytes"}
"""Fields that do not tell runs apart: the first two count by their contents; metrics are computed from the stored texts; prompts,
checkpoints and passes can be added to a run; the rest is the environment, which is recorded unit by unit instead."""


class DiagnosisRecipe(BaseModel):
    """What to read, decode and score. Each field is a flag of ``edt diagnose``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    model: Named = Field("bundled", description="a folder, a hub id, or bundled: the small demo model that writes documentation")
    task: Named = Field("docstrings-summary", description="a task's name, or a .jsonl file")
    chat: bool = Field(False, description="put each prompt through the model's chat template, as a user's message")
    fresh: bool = Field(False, description="docstrings tasks: harvest what is installed instead of the frozen examples")
    limit: int = Field(100, ge=2, description="dev prompts, at most")
    policies: list[PolicySpec] = Field(
        ["edt:t0=0.8,theta=0.2"], min_length=1, description="policies to hold against the model's steps, beside fixed:temperature=1"
    )
    filters: FilterSpec = Field("temperature,top_p=0.95", description="the sampler's steps in order, for every policy; none: no filters")
    samples: int = Field(5, ge=2, description="texts a prompt and policy (K)")
    seed: int = Field(0, ge=0, lt=2**63, description="the random seed")
    max_new_tokens: int = Field(48, ge=1, description="longest text, in tokens")
    stop: list[Named] = Field([], description="strings that end a text; they are not part of it")
    metrics: list[Named] = Field(
        [], description="metrics, the first that reads references is the outcome of a text; default: the task's own"
    )
    checkpoints: list[Named] = Field(
        [], description="folders of models or LoRA adapters, such as the last checkpoints of a training: their disagreement is measured"
    )
    dropout: int = Field(0, ge=0, description="passes with dropout at work, whose disagreement is measured; two or more")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="the model's number format; auto: as stored")
    device: Named = Field("auto", description="where the model runs: auto, cpu, cuda, cuda:1, ...")
    threads: int | None = Field(None, ge=1, description="CPU threads; default: the engine's choice")
    cache_bytes: int | None = Field(None, ge=1, description="limit of the key-value cache, in bytes; default: the engine's")

    @property
    def seeds(self) -> list[int]:
        """The seed, as stages take it."""
        return [self.seed]

    @property
    def decoded(self) -> list[str]:
        """The policies that decode, the untempered one first, each once."""
        return list(dict.fromkeys([UNTEMPERED, *self.policies]))

    @property
    def engine_options(self) -> dict[str, Any]:
        """What ``load_engine`` is told beside the model."""
        given = {name: getattr(self, name) for name in ("dtype", "device", "threads", "cache_bytes", "chat")}
        return {name: value for name, value in given.items() if value is not None}

    def identity(self) -> dict[str, Any]:
        """The fields that decide which texts are generated."""
        return self.model_dump(mode="json", exclude=NOT_IN_HASH)


def diagnosis_recipe(**flags: Any) -> DiagnosisRecipe:
    """The recipe of these flags; one that is None says nothing.

    Raises:
        ValueError: a value that a field does not take; names the flag.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if given.get("dropout") == 1:
        raise ValueError("dropout (--dropout): must be two passes or more, got 1: a single one disagrees with nothing")
    try:
        return DiagnosisRecipe.model_validate(given)
    except ValidationError as error:
        raise ValueError(_first(error)) from None


def _first(error: ValidationError) -> str:
    found: list[Mapping[str, Any]] = [dict(mistake) for mistake in error.errors(include_url=False)]
    mistake, more = found[0], f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    field = str(mistake["loc"][0])
    flag = "policy" if field == "policies" else field.replace("_", "-")
    told = str(mistake["msg"]).removeprefix("Value error, ")
    given = "" if mistake["type"] == "value_error" else f", got {mistake['input']!r}"
    return f"{field} (--{flag}): {told[:1].lower()}{told[1:]}{given}{more}"
