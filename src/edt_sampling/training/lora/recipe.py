"""A fine-tuning recipe: everything that decides what is learnt, validated and documented field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Named = Annotated[str, Field(min_length=1)]
ALL_LINEAR = "all-linear"
NOT_IN_HASH = {"model", "task", "gradient_accumulation", "gradient_checkpointing", "keep", "merge", "report", "device", "threads"}
"""Fields that do not tell runs apart: the first two count by their contents, the next two give the same steps in less memory,
``keep`` and ``merge`` decide what is written, and the rest is the environment, which is recorded at each start instead."""


class TrainRecipe(BaseModel):
    """What to learn, from what, and how. Each field can stand in a TOML file and is a flag of ``edt train``."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=())

    model: Named = Field("bundled", description="the model to start from: a folder, a hub id, or bundled: the small demo model")
    task: Named = Field(description="a task with train and dev examples, by name or as a .jsonl file whose lines name their split")
    limit: int | None = Field(None, ge=1, description="train examples, at most; default: all")
    dev_limit: int = Field(200, ge=1, description="dev examples, at most, on which the loss is measured")
    chat: bool = Field(False, description="put each prompt through the model's chat template, as a user's message")
    max_length: int | None = Field(
        None,
        ge=2,
        description="tokens of prompt and answer; longer examples are left out and counted; default: the model's positions",
    )
    packing: bool = Field(False, description="fill rows of max_length tokens with several examples, which do not see each other")

    rank: int = Field(16, ge=1, description="LoRA's rank r")
    alpha: float = Field(32, gt=0, description="LoRA's scale: its weights count alpha / rank times")
    dropout: float = Field(0.05, ge=0, lt=1, description="the share of LoRA's inputs dropped at each step")
    target_modules: list[Named] = Field(
        [ALL_LINEAR],
        min_length=1,
        description="layers with LoRA weights, by the ends of their names; all-linear: each linear layer but the last",
    )

    learning_rate: float = Field(2e-4, gt=0, description="AdamW's rate at its highest")
    schedule: Literal["cosine", "linear", "constant"] = Field("cosine", description="how the rate goes on after the warm-up")
    warmup: float = Field(0.03, ge=0, lt=1, description="the share of all steps over which the rate rises from 0")
    epochs: float = Field(3, gt=0, description="passes over the train examples")
    max_steps: int | None = Field(None, ge=1, description="steps, in the place of epochs")
    batch_size: int = Field(16, ge=1, description="examples a step (rows, with packing), on all devices together")
    gradient_accumulation: int = Field(
        1, ge=1, description="parts that each device runs its share of a batch in, one after the other: the same step in less memory"
    )
    gradient_checkpointing: bool = Field(
        False, description="compute activations anew on the way back: the same step, slower, in less memory"
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="number format of the base model and its arithmetic; auto: float32 on a CPU, else bfloat16; LoRA's is float32"
    )
    four_bit: bool = Field(False, description="hold the base model in 4 bits (bitsandbytes, NF4); untested here")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of LoRA's first weights, the order of examples, and dropout")

    eval_every: int = Field(50, ge=1, description="steps from one measurement of the dev loss to the next; the last step has one too")
    save_every: int | None = Field(None, ge=1, description="steps between checkpoints, a multiple of eval_every; default: eval_every")
    keep: int = Field(2, ge=1, description="how many of the latest checkpoints to keep; the one with the best dev loss is always kept")
    best: bool = Field(True, description="give the checkpoint with the lowest dev loss; off: the last one")
    merge: bool = Field(False, description="write the model with LoRA's weights added to its own; off: the adapter alone")
    report: list[Named] = Field([], description="trackers that transformers reports to, such as tensorboard")
    device: Literal["auto", "cpu"] = Field("auto", description="where to train; auto: the accelerator where there is one")
    threads: int | None = Field(None, ge=1, description="CPU threads; default: torch's choice")

    @model_validator(mode="after")
    def _whole_parts(self) -> Self:
        if self.batch_size % self.gradient_accumulation:
            raise ValueError(
                f"gradient_accumulation: must divide batch_size, {self.batch_size}, into equal parts, got {self.gradient_accumulation}"
            )
        if self.saving % self.eval_every:
            raise ValueError(f"save_every: must be a multiple of eval_every, which is {self.eval_every}, got {self.saving}")
        if ALL_LINEAR in self.target_modules and len(self.target_modules) > 1:
            raise ValueError(f"target_modules: {ALL_LINEAR} stands alone, got {', '.join(self.target_modules)}")
        return self

    @property
    def saving(self) -> int:
        """Steps from one checkpoint to the next."""
        return self.save_every or self.eval_every

    def identity(self) -> dict[str, Any]:
        """The fields that decide what is learnt and which of it is given."""
        return self.model_dump(mode="json", exclude=NOT_IN_HASH) | {"save_every": self.saving}
