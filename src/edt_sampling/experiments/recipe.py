"""A recipe: everything that an experiment is made of, validated and documented field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from edt_sampling.policies import Fixed, Policy, policy
from edt_sampling.protocol import Setting
from edt_sampling.sampling.filters import Filters

PolicySpec = Annotated[str, AfterValidator(lambda spec: str(policy(spec)))]
FilterSpec = Annotated[str, AfterValidator(lambda spec: str(Filters.parse(spec)))]
Named = Annotated[str, Field(min_length=1)]

NOT_IN_HASH = {"model", "base_url", "task", "metrics", "limit", "until", "device", "threads", "cache_bytes", "concurrency"}
"""Fields that do not tell runs apart: models and tasks count by their contents, metrics are computed from the stored texts, test prompts
can be added to a run (each look at it is stored), and the rest is the environment, which is recorded unit by unit instead."""


class Method(BaseModel):
    """A name in the table, and the settings that are compared under it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Named = Field(description="the method's name in tables")
    policies: list[PolicySpec] = Field(min_length=1, description="spec strings such as edt:t0=0.8,theta=0.2")
    filters: FilterSpec | None = Field(None, description="filters for this method alone; default: the recipe's")

    def read(self) -> list[Any]:
        """Its policies."""
        return [policy(spec) for spec in self.policies]

    def is_fixed(self) -> bool:
        """Whether all of them are fixed temperatures."""
        return all(isinstance(found, Fixed) for found in self.read())


class Recipe(BaseModel):
    """What to decode and how to score it. Each field can stand in a TOML file and is a flag of ``edt compare``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    model: Named = Field("bundled", description="a folder, a hub id, or bundled: the small demo model that writes documentation")
    engine: Named = Field(
        "transformers", description="what runs it: transformers, llama-cpp, mlx, onnxruntime-genai, openai (any such server)"
    )
    base_url: Named | None = Field(None, description="engine openai: where the server is, such as http://localhost:8000/v1")
    task: Named = Field("docstrings-summary", description="a task that edt tasks lists, or a .jsonl file")
    chat: bool = Field(False, description="put each prompt through the model's chat template, as a user's message")
    fresh: bool = Field(False, description="docstrings tasks: harvest what is installed instead of the frozen examples")
    dev_limit: int = Field(60, ge=2, description="dev prompts, at most: they choose each method's setting")
    limit: int = Field(200, ge=2, description="test prompts, at most: they judge the chosen settings")
    until: float | None = Field(
        None, gt=0, description="add test prompts, past the limit, until each effect is seen or known to within this much of the quality"
    )
    methods: list[Method] = Field(min_length=1, description="the settings to compare, grouped; default: the grid of compare.toml")
    filters: FilterSpec = Field("temperature,top_p=0.95", description="the sampler's steps in order, for every method; none: no filters")
    samples: int = Field(5, ge=2, description="texts a prompt, setting and seed (K)")
    seeds: list[Annotated[int, Field(ge=0, lt=2**63)]] = Field([0], min_length=1, description="random seeds; each gives K further texts")
    max_new_tokens: int = Field(48, ge=1, description="longest text, in tokens")
    stop: list[Named] = Field([], description="strings that end a text; they are not part of it")
    metrics: list[Named] = Field(
        [],
        description="metrics in the table, as name or name:parameter=value; the first that reads references is the primary one; "
        "default: the task's own",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="the model's number format; auto: as stored")
    device: Named = Field("auto", description="where the model runs: auto, cpu, cuda, cuda:1, ...")
    threads: int | None = Field(None, ge=1, description="CPU threads; default: the engine's choice")
    cache_bytes: int | None = Field(None, ge=1, description="limit of the key-value cache, in bytes; default: the engine's")
    concurrency: int | None = Field(None, ge=1, description="engine openai: requests under way at once; default: the engine's")

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("each seed may stand once: equal seeds give equal texts")
        return sorted(seeds)

    @field_validator("methods")
    @classmethod
    def _once(cls, methods: list[Method]) -> list[Method]:
        names = [method.name for method in methods]
        for method in methods:
            if names.count(method.name) > 1:
                raise ValueError(f"two methods have the name {method.name!r}")
            if len(set(method.policies)) < len(method.policies):
                twice = next(spec for spec in method.policies if method.policies.count(spec) > 1)
                raise ValueError(f"{twice} stands twice in method {method.name!r}")
        return methods

    @model_validator(mode="after")
    def _curve_and_candidate(self) -> Self:
        """Without both there is nothing to judge, or nothing to judge it by."""
        curves = [method for method in self.methods if method.is_fixed()]
        if not curves or sum(p.temperature > 0 for p in curves[0].read()) < 2:
            raise ValueError("methods: one must hold fixed temperatures alone, two or more of them above 0: the curve to be held against")
        if len(self.methods) < 2:
            raise ValueError("methods: one must hold something else than the fixed temperatures: a method to judge")
        for method in self.candidates:
            if all(isinstance(p, Fixed) and p.temperature == 0 for p in method.read()):
                raise ValueError(f"methods: {method.name!r} is greedy alone, which no temperature can be held against")
        return self

    @property
    def fixed(self) -> Method:
        """The method whose curve the others are held against: the first with fixed temperatures alone."""
        return next(method for method in self.methods if method.is_fixed())

    @property
    def candidates(self) -> list[Method]:
        """The methods that are judged, the subject of the verdict first."""
        return [method for method in self.methods if method is not self.fixed]

    @property
    def test_limit(self) -> int | None:
        """How many test prompts may be used; None: as many as there are."""
        return self.limit if self.until is None else None

    def for_task(self, metrics: Sequence[str]) -> Self:
        """The recipe, with its task's metrics where it names none."""
        return self if self.metrics else self.model_copy(update={"metrics": list(metrics)})

    def setting(self, method: Method, found: Policy) -> Setting:
        """A policy with the filters that its method puts around it."""
        return Setting(policy=found, filters=Filters.parse(method.filters or self.filters))

    def engine_options(self) -> dict[str, Any]:
        """What ``load_engine`` is told beside the engine's name: the model, and what differs from the defaults."""
        names = ("base_url", "dtype", "device", "threads", "cache_bytes", "concurrency", "chat")
        given = {name: getattr(self, name) for name in names}
        return {"model": self.model} | {name: value for name, value in given.items() if value != type(self).model_fields[name].default}

    def identity(self) -> dict[str, Any]:
        """The fields that decide which texts are generated."""
        return self.model_dump(mode="json", exclude=NOT_IN_HASH)
