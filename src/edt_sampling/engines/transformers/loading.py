"""Models from a local folder or the Hub, and the bundled one; LoRA adapters are merged into theirs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from edt_sampling.engines.fingerprint import fingerprint
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.engines.transformers.adapters import adapter_fingerprint, base_of, merged
from edt_sampling.engines.transformers.engine import CACHE_BYTES, TransformersEngine

_UNREADABLE = (OSError, ValueError, KeyError, SafetensorError)
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

    ``model``: a folder, a Hub id (``owner/name``), or ``bundled``; the folder of a LoRA adapter loads its base model with the
    adapter's weights added. Weights are read from safetensors only, and a model's own code runs only with ``trust_remote_code``.
    ``dtype``: ``auto`` (float32 on a CPU, the model's own elsewhere), ``float32``, ``bfloat16``, ``float16``.
    ``device``: ``auto`` (the accelerator where there is one), ``cpu``, ``cuda``, ``mps``.
    ``threads``: CPU threads. ``cache_bytes``: the most that keys and values of rows decoded together may take.
    ``chat``: prompts go through the model's chat template as a user's message.
    Raises ValueError for options out of range, FileNotFoundError or OSError for a model that cannot be read.
    """
    if threads is not None:
        if threads < 1:
            raise ValueError(f"threads must be >= 1, got {threads}")
        torch.set_num_threads(threads)
    base = None if model == BUNDLED else base_of(model)
    source = model_source(model) if base is None else _base_source(base, model)
    target = torch.device(_device(device))
    loaded = read_model(source, name=model, dtype=_dtype(dtype, target), trust_remote_code=trust_remote_code)
    mark = fingerprint(source, loaded.config)
    if base is not None:
        loaded, mark = merged(loaded, model), adapter_fingerprint(mark, model)
    folder = Path(model).expanduser()
    beside = str(folder) if base is not None and (folder / "tokenizer_config.json").is_file() else source
    tokenizer = read_tokenizer(beside, name=model, trust_remote_code=trust_remote_code)
    return TransformersEngine(loaded.to(target), tokenizer, name=model, fingerprint=mark, cache_bytes=cache_bytes, chat=chat)


def read_model(source: str, *, name: str, dtype: torch.dtype | str, trust_remote_code: bool = False, **options: Any) -> Any:
    """The causal language model of a folder or Hub id, called ``name`` in the OSError that says in one line why it cannot be read."""
    options |= {"dtype": dtype, "trust_remote_code": trust_remote_code, "use_safetensors": True}
    try:
        with _quiet(Path(source).is_dir()):
            return AutoModelForCausalLM.from_pretrained(source, **options)
    except _UNREADABLE as error:
        raise OSError(f"model {name!r} cannot be loaded: {_first_line(error)}") from error


def read_tokenizer(source: str, *, name: str, trust_remote_code: bool = False) -> Any:
    """The tokenizer of a folder or Hub id, or an OSError in one line."""
    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=trust_remote_code)
    except _UNREADABLE as error:
        raise OSError(f"model {name!r} cannot be loaded: {_first_line(error)}") from error


def _base_source(base: str, adapter: str) -> str:
    try:
        return model_source(base)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"adapter folder {adapter!r}: its base model is missing: {error}") from None


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
