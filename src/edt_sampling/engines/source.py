"""Where models come from: the bundled one, a local folder, the Hub; and where what is made of them is kept."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

BUNDLED = "bundled"


def bundled_folder() -> Path:
    """The bundled model's folder, in transformers' format."""
    return Path(str(files("edt_sampling") / "models" / "docs-6m"))


def cache_folder() -> Path:
    """Where models in other formats are kept once they are made: ``$XDG_CACHE_HOME/edt-sampling``, or ``~/.cache/edt-sampling``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "edt-sampling"


def model_source(model: str) -> str:
    """The folder or Hub id to load from; a local folder is checked for what a model needs."""
    if model == BUNDLED:
        return str(bundled_folder())
    folder = Path(model).expanduser()
    looks_local = folder.exists() or model.startswith((".", "/", "~")) or model.count("/") != 1
    if not looks_local:
        return model
    if not folder.is_dir():
        raise FileNotFoundError(f"model {model!r} is not a folder: give a model's folder, a Hub id (owner/name), or {BUNDLED!r}")
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"model folder {model!r} holds no config.json")
    if not list(folder.glob("*.safetensors")):
        old = next(iter([*folder.glob("*.bin"), *folder.glob("*.pt")]), None)
        hint = f" ({old.name} is not read: save the model with safe_serialization=True)" if old else ""
        raise FileNotFoundError(f"model folder {model!r} holds no weights in safetensors{hint}")
    return str(folder)
