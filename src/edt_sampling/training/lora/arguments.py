"""A recipe in the words of trl's trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from transformers import BitsAndBytesConfig
from trl.trainer.sft_config import SFTConfig

from edt_sampling.training.lora.checkpoints import FOLDER
from edt_sampling.training.lora.recipe import ALL_LINEAR, TrainRecipe

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


def arguments(recipe: TrainRecipe, folder: Path, *, processes: int) -> Any:
    """The trainer's arguments: its checkpoints go under ``folder``; ``processes`` share each batch.

    Raises ValueError where they cannot share it.
    """
    rows, odd = divmod(recipe.batch_size, recipe.gradient_accumulation * processes)
    if odd:
        parts = f"{recipe.gradient_accumulation} parts on each of {processes} processes"
        raise ValueError(f"batch_size: must be a multiple of gradient_accumulation x processes ({parts}), got {recipe.batch_size}")
    return SFTConfig(
        output_dir=str(folder / FOLDER),
        per_device_train_batch_size=rows,
        per_device_eval_batch_size=rows,
        gradient_accumulation_steps=recipe.gradient_accumulation,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=SCHEDULES[recipe.schedule],
        warmup_steps=recipe.warmup,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=number_format(recipe) is torch.bfloat16,
        gradient_checkpointing=recipe.gradient_checkpointing,
        max_length=None,  # longer rows are out already
        dataset_kwargs={"skip_prepare_dataset": True},  # rows are tokens and labels, and packed, already
        eval_strategy="steps",
        eval_steps=recipe.eval_every,
        save_strategy="steps",
        save_steps=recipe.saving,
        logging_strategy="no",  # a line with each evaluation: see watch.py
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="non_padding",
        ddp_find_unused_parameters=False,  # LoRA's are all used
        use_cpu=recipe.device == "cpu",
        report_to=recipe.report or "none",
        disable_tqdm=True,
    )


def lora(recipe: TrainRecipe) -> Any:
    """peft's configuration of the weights that are learnt."""
    modules = recipe.target_modules
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # pyright: ignore[reportArgumentType] - any number does
        lora_dropout=recipe.dropout,
        target_modules=ALL_LINEAR if modules == [ALL_LINEAR] else modules,
    )


def number_format(recipe: TrainRecipe) -> torch.dtype:
    """The base model's: as the recipe says, or, for ``auto``, float32 on a CPU and bfloat16 elsewhere."""
    if recipe.dtype == "auto":
        accelerated = recipe.device != "cpu" and torch.accelerator.is_available()
        return torch.bfloat16 if accelerated else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[recipe.dtype]


def four_bits() -> Any:
    """bitsandbytes' NF4 with double quantisation. Raises ImportError where the library is missing."""
    try:
        import bitsandbytes  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
    except ModuleNotFoundError:
        raise ImportError("four_bit needs bitsandbytes: pip install bitsandbytes, or train with four_bit = false (--no-four-bit)") from None
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    )
