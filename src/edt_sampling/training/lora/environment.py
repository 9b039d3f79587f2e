"""What a model is trained under: versions, device, processes."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import torch

import edt_sampling

LIBRARIES = ("torch", "transformers", "peft", "trl", "accelerate")


def environment(trainer: Any) -> dict[str, Any]:
    """Names and values."""
    args = trainer.args
    return {
        "edt_sampling": edt_sampling.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "device": str(args.device.type),
        "dtype": "bfloat16" if args.bf16 else "float32",
        "threads": torch.get_num_threads(),
        "processes": args.world_size,
        "sharded": "yes" if trainer.is_fsdp_enabled else "no",
        "gradient_accumulation": args.gradient_accumulation_steps,
        "gradient_checkpointing": args.gradient_checkpointing,
    }
