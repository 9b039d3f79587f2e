"""GGUF files as engines, and the bundled model as a GGUF file."""
# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from llama_cpp._internals import LlamaModel
from llama_cpp._logger import set_verbose

from edt_sampling.engines.decoding.engine import LogitsEngine
from edt_sampling.engines.fingerprint import adapted
from edt_sampling.engines.llama_cpp.model import CACHES, GGUFModel
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.source import BUNDLED, bundled_folder, cache_folder

CACHE_BYTES = 1 << 30
MAGIC = b"GGUF"


def load(
    *,
    model: str = BUNDLED,
    threads: int | None = None,
    cache: str = "auto",
    cache_bytes: int = CACHE_BYTES,
    gpu_layers: int = 0,
    chat: bool = False,
) -> LogitsEngine:
    """An engine with a GGUF model, which brings its own tokenizer.

    ``model``: a GGUF file, or ``bundled``, which is converted on first use. ``threads``: CPU threads, half of the machine's where None.
    ``cache``: how keys and values are kept, ``f32``, ``f16``, or ``auto``: float32 for the bundled model, float16, as llama.cpp does, for
    others. ``cache_bytes``: the most that those of rows decoded together may take. ``gpu_layers``: how many layers a GPU computes, -1 for
    all. ``chat``: prompts go through the model's chat template as a user's message.
    Raises ValueError for options out of range, FileNotFoundError or OSError for a model that cannot be read.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be >= 1, got {threads}")
    if cache not in ("auto", *CACHES):
        raise ValueError(f"cache must be auto, {', '.join(CACHES)}, got {cache!r}")
    file = bundled_gguf() if model == BUNDLED else gguf_file(model)
    kept = ("f32" if model == BUNDLED else "f16") if cache == "auto" else cache
    read = GGUFModel(
        read_model(file, gpu_layers=gpu_layers),
        name=model,
        fingerprint=adapted("", file),
        threads=threads or max(1, (os.cpu_count() or 1) // 2),
        cache=kept,
        cache_bytes=cache_bytes,
        gpu_layers=gpu_layers,
    )
    return LogitsEngine(read, chat=chat)


def gguf_file(model: str) -> Path:
    """The path of a GGUF file, checked for being one."""
    file = Path(model).expanduser()
    if file.is_dir():
        raise FileNotFoundError(
            f"model {model!r} is a folder: give a GGUF file; edt export gguf --model {model} --out FILE makes one of it"
        )
    if not file.is_file():
        raise FileNotFoundError(f"model {model!r} is not there: give a GGUF file, or {BUNDLED!r}")
    with file.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise OSError(f"model {model!r} cannot be loaded: it is not a GGUF file")
    return file


def read_model(file: Path, *, gpu_layers: int = 0) -> Any:
    """llama-cpp-python's ``LlamaModel`` of a file; OSError where llama.cpp does not read it, ValueError for a model whose rows cannot share
    a prompt, because its memory is a state and not a list of tokens."""
    set_verbose(False)
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_default_params()
    parameters.n_gpu_layers = gpu_layers
    try:
        loaded: Any = LlamaModel(path_model=str(file), params=parameters, verbose=False)
    except ValueError:
        raise OSError(f"model {str(file)!r} cannot be loaded: llama.cpp {llama_cpp.__version__} does not read this file") from None
    if llama_cpp.llama_model_is_recurrent(loaded.model) or llama_cpp.llama_model_is_hybrid(loaded.model):
        raise ValueError(f"model {str(file)!r} is recurrent, and rows cannot share its state: use engine transformers")
    return loaded


def bundled_gguf() -> Path:
    """The bundled model as a GGUF file, converted into the user's cache folder where it is not there yet."""
    folder = bundled_folder()
    target = cache_folder() / f"docs-6m-{conversion_mark(folder)}.gguf"
    if not target.is_file():
        from edt_sampling.engines.llama_cpp.gguf import write_gguf  # needs the gguf package, which reading a file does not

        write_gguf(folder, target)
    return target


def conversion_mark(folder: Path) -> str:
    """Twelve digits that change with the model's files and with the code that converts them."""
    digest = hashlib.sha256()
    converter = [Path(__file__).with_name(name) for name in ("gguf.py", "vocabulary.py", "weights.py")]
    for file in [*converter, *sorted(folder.glob("*.json")), *sorted(folder.glob("*.safetensors"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
