"""LoRA adapters: folders with the weights that fine-tuning added, and the name of the model that they were added to."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from edt_sampling.engines.fingerprint import adapted

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def base_of(model: str) -> str | None:
    """The model that the adapter in this folder was trained on; None where it is not the folder of an adapter.

    Raises FileNotFoundError where the adapter's weights are missing, ValueError where it is not a LoRA adapter or names no base.
    """
    folder = Path(model).expanduser()
    if not (folder / CONFIG).is_file():
        return None
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind, base = config["peft_type"], config["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"adapter folder {model!r}: {CONFIG} is not what peft writes ({type(error).__name__}: {error})") from None
    if kind != "LORA":
        raise ValueError(f"adapter folder {model!r}: peft_type must be LORA, got {kind!r}: merge it into its base model first")
    if not base:
        raise ValueError(f"adapter folder {model!r}: {CONFIG} names no base_model_name_or_path: write the base's folder or Hub id there")
    if not (folder / WEIGHTS).is_file():
        raise FileNotFoundError(f"adapter folder {model!r} holds no weights in safetensors ({WEIGHTS})")
    return str(base)


def merged(base: Any, model: str) -> Any:
    """The base model with the weights of the adapter in this folder added to its own, in its number format.

    Raises ImportError where peft is missing, OSError where the adapter does not fit the base.
    """
    try:
        from peft import PeftModel
    except ModuleNotFoundError as error:
        raise ImportError(f"model {model!r} is a LoRA adapter, which needs {error.name}: pip install 'edt-sampling[train]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # what peft calls of transformers concerns neither model nor user
            loaded: Any = PeftModel.from_pretrained(base, str(Path(model).expanduser()))
            return loaded.merge_and_unload()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        told = " ".join(str(error).split())[:200]
        raise OSError(f"adapter folder {model!r} does not fit its base model {base.config.name_or_path!r}: {told}") from error


def adapter_fingerprint(base: str, model: str) -> str:
    """Twelve hexadecimal digits that change with the base model's own, given, and with the adapter in this folder."""
    folder = Path(model).expanduser()
    return adapted(base, folder / CONFIG, folder / WEIGHTS)
