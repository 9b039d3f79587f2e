"""Models from a local folder or the Hub, and the bundled one."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from edt_sampling.engines.transformers.engine import CACHE_BYTES, TransformersEngine

BUNDLED = "bundled"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load(
    *,
    model: str = BUNDLED,
    dtype: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    cache_bytes: int = CACHE_BYTES,
    trust_remote_code: bool = False,
    chat: bool = False,
) -> TransformersEngine:
    """An engine with a causal language model and its tokenizer.

    ``model``: a folder, a Hub id (``owner/name``), or ``bundled``. Weights are read from safetensors only, and a
    model's own code runs only with ``trust_remote_code``. ``dtype``: ``auto`` (float32 on a CPU, the model's own elsewhere),
    ``float32``, ``bfloat16``, ``float16``. ``device``: ``auto`` (the accelerator where there is one), ``cpu``, ``cuda``, ``mps``.
    ``threads``: CPU threads. ``cache_bytes``: the most that keys and values of rows decoded together may take.
    ``chat``: prompts go through the model's chat template as a user's message.
    Raises ValueError for options out of range, FileNotFoundError or OSError for a model that cannot be read.
    """
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads must be >= 1, got {threads}")
        torch.set_num_threads(threads)
    source = model_source(model)
    target = torch.device(_device(device))
    number_format = _dtype(dtype, target)
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
    try:
        with _quiet(Path(source).is_dir()):
            loaded: Any = AutoModelForCausalLM.from_pretrained(source, dtype=number_format, use_safetensors=True, **options)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise OSError(f"model {model!r} cannot be loaded: {_first_line(error)}") from error
    return TransformersEngine(
        loaded.to(target), tokenizer, name=model, fingerprint=fingerprint(source, loaded), cache_bytes=cache_bytes, chat=chat
    )


def model_source(model: str) -> str:
    """The folder or Hub id to load from; a local folder is checked for what a model needs."""
    if model == BUNDLED:
        return str(files("edt_sampling") / "models" / "docs-6m")
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


def fingerprint(source: str, model: PreTrainedModel) -> str:
    """Twelve hexadecimal digits that change with the weights: the Hub's commit, or a hash of sizes and edges of the files."""
    commit = getattr(model.config, "_commit_hash", None)
    digest = hashlib.sha256((commit or "").encode())
    if not commit:
        for file in sorted([*Path(source).glob("*.safetensors"), Path(source) / "config.json"]):
            digest.update(f"{file.name} {file.stat().st_size}".encode())
            digest.update(_edges(file))
    return digest.hexdigest()[:12]


def _edges(file: Path, size: int = 1 << 20) -> bytes:
    """The first and last megabyte of a file."""
    with file.open("rb") as stream:
        first = stream.read(size)
        stream.seek(max(0, file.stat().st_size - size))
        return first + stream.read(size)


def _device(name: str) -> str:
    if name != "auto":
        try:
            return str(torch.empty(0, device=name).device)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(f"device {name!r} cannot be used here: {_first_line(error)}") from None
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(name: str, device: torch.device) -> torch.dtype | str:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    if name not in DTYPES:
        raise ValueError(f"dtype must be auto, {', '.join(DTYPES)}, got {name!r}")
    return DTYPES[name]


@contextmanager
def _quiet(wanted: bool) -> Generator[None]:
    """No progress bar while a local folder is read; a download keeps its own."""
    shown = logging.is_progress_bar_enabled()
    if wanted:
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
