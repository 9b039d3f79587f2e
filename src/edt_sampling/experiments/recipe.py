"""A recipe: everything that an experiment is made of, validated and documented field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from edt_sampling.policies import policy
from edt_sampling.protocol import Setting
from edt_sampling.sampling.filters import Filters

PolicySpec = Annotated[str, AfterValidator(lambda spec: str(policy(spec)))]
FilterSpec = Annotated[str, AfterValidator(lambda spec: str(Filters.parse(spec)))]
Named = Annotated[str, Field(min_length=1)]

NOT_IN_HASH = {"model", "task", "metrics", "device", "threads", "cache_bytes"}
"""Fields that do not tell runs apart: the first two count by their contents, metrics are computed from the stored texts, and the
rest is the environment, which is recorded unit by unit instead."""


class Method(BaseModel):
    """A name in the table, and the settings that are compared under it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Named = Field(description="the method's name in tables")
    policies: list[PolicySpec] = Field(min_length=1, description="spec strings such as edt:t0=0.8,theta=0.2")
    filters: FilterSpec | None = Field(None, description="filters for this method alone; default: the recipe's")


class Recipe(BaseModel):
    """What to decode and how to score it. Each field can stand in a TOML file and is a flag of ``edt compare``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    model: Named = Field("bundled", description="a folder, a hub id, or bundled: the small demo model that writes documentation")
    task: Named = Field("docstrings-summary", description="docstrings-summary, docstrings-question, or a .jsonl file (all of its lines)")
    chat: bool = Field(False, description="put each prompt through the model's chat template, as a user's message")
    split: Literal["dev", "test"] = Field("test", description="which split of the task: tune on dev, report test once")
    fresh: bool = Field(False, description="docstrings tasks: harvest what is installed instead of the frozen examples")
    limit: int = Field(150, ge=1, description="prompts, at most")
    methods: list[Method] = Field(min_length=1, description="the settings to compare, grouped; default: the grid of compare.toml")
    filters: FilterSpec = Field("temperature,top_p=0.95", description="the sampler's steps in order, for every method; none: no filters")
    samples: int = Field(5, ge=1, description="texts a prompt, setting and seed (K)")
    seeds: list[Annotated[int, Field(ge=0, lt=2**63)]] = Field([0], min_length=1, description="random seeds; each gives K further texts")
    max_new_tokens: int = Field(48, ge=1, description="longest text, in tokens")
    stop: list[Named] = Field([], description="strings that end a text; they are not part of it")
    metrics: list[Named] = Field(
        ["rouge_l", "self_bleu", "distinct_n:n=2", "eda", "length"],
        min_length=1,
        description="metrics in the table, as name or name:parameter=value; the first that reads references is the quality",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="the model's number format; auto: as stored")
    device: Named = Field("auto", description="where the model runs: auto, cpu, cuda, cuda:1, ...")
    threads: int | None = Field(None, ge=1, description="CPU threads; default: the engine's choice")
    cache_bytes: int | None = Field(None, ge=1, description="limit of the key-value cache, in bytes; default: the engine's")

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("each seed may stand once: equal seeds give equal texts")
        return sorted(seeds)

    @field_validator("methods")
    @classmethod
    def _once(cls, methods: list[Method]) -> list[Method]:
        seen: set[tuple[str, str, str | None]] = set()
        for key in ((m.name, spec, m.filters) for m in methods for spec in m.policies):
            if key in seen:
                raise ValueError(f"{key[1]} stands twice in method {key[0]!r}")
            seen.add(key)
        return methods

    def settings(self) -> list[tuple[str, Setting]]:
        """Each setting with its method's name, in the recipe's order."""
        return [
            (method.name, Setting(policy=policy(spec), filters=Filters.parse(method.filters or self.filters)))
            for method in self.methods
            for spec in method.policies
        ]

    def identity(self) -> dict[str, Any]:
        """The fields that decide which texts are generated."""
        return self.model_dump(mode="json", exclude=NOT_IN_HASH)
