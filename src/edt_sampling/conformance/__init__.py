"""Conformance: every backend and engine makes the same of the same logits, and of the same model."""

from __future__ import annotations

from typing import Any

from edt_sampling.conformance.subject import Subject
from edt_sampling.plugins import Table

SUBJECTS = Table(
    "engine",
    "edt_sampling.conformance",
    {
        "numpy": "edt_sampling.conformance.numpy:NumpySubject",
        "torch": "edt_sampling.conformance.torch:TorchSubject",
        "transformers": "edt_sampling.conformance.transformers:TransformersSubject",
        "llama-cpp": "edt_sampling.conformance.llama_cpp:LlamaCppSubject",
        "mlx": "edt_sampling.conformance.mlx:MlxSubject",
        "onnxruntime-genai": "edt_sampling.conformance.onnxruntime_genai:OnnxRuntimeGenaiSubject",
        "vllm": "edt_sampling.conformance.vllm:VllmSubject",
        "sglang": "edt_sampling.conformance.sglang:SGLangSubject",
    },
)
EXTRAS = {"torch": "transformers"}
"""The extra that brings a subject's library, where it is not called like the subject."""


def load_subject(name: str) -> Subject:
    """The subject of this name, nothing of its engine loaded yet.

    Raises ValueError for an unknown name, ImportError that says what to install where the engine's library is missing.
    """
    try:
        found: Any = SUBJECTS.find(name)
        return found()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("edt_sampling"):
            raise
        raise ImportError(f"engine {name} needs {error.name}: pip install 'edt-sampling[{EXTRAS.get(name, name)}]'") from None
