"""Where text is generated: one engine a folder, named for its library and found by name."""

from __future__ import annotations

import inspect
from typing import Any

from edt_sampling.plugins import Table
from edt_sampling.protocol import Engine

ENGINES = Table(
    "engine",
    "edt_sampling.engines",
    {
        "transformers": "edt_sampling.engines.transformers:load",
        "llama-cpp": "edt_sampling.engines.llama_cpp:load",
        "mlx": "edt_sampling.engines.mlx:load",
        "onnxruntime-genai": "edt_sampling.engines.onnxruntime_genai:load",
        "openai": "edt_sampling.engines.openai:load",
    },
)
SERVERS = "; vllm, sglang and other servers: --engine openai --base-url URL"


def load_engine(name: str, **options: Any) -> Engine:
    """The engine of this name with a model loaded; ``options`` are those of the engine's own ``load``.

    Raises ValueError for an unknown name or option, ImportError that says what to install where the engine's library is missing.
    """
    try:
        load = ENGINES.find(name, also=SERVERS)
    except ModuleNotFoundError as error:
        if name not in ENGINES.built_in or (error.name or "").startswith("edt_sampling"):
            raise
        raise ImportError(f"engine {name} needs {error.name}: pip install 'edt-sampling[{name}]'") from None
    known = inspect.signature(load).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()) and (unknown := [o for o in options if o not in known]):
        raise ValueError(f"engine {name} has no option {unknown[0]}; its options: {', '.join(known)}")
    if missing := [n for n, p in known.items() if p.default is p.empty and p.kind is p.KEYWORD_ONLY and n not in options]:
        raise ValueError(f"engine {name} needs {missing[0]}: give --{missing[0].replace('_', '-')}")
    return load(**options)
