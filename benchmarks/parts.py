"""What can be measured, by the names of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, Protocol, cast

from benchmarks.bench import Bench
from benchmarks.record import Case
from benchmarks.table import Table


class Part(Protocol):
    """A module that measures one thing."""

    TITLE: str

    def measure(self, bench: Bench) -> Iterator[Case]:
        """The cases, one after the other."""
        ...

    def tables(self, cases: Sequence[Case]) -> list[Table]:
        """What stands on the page."""
        ...


class Place(NamedTuple):
    """Where a part's module is, the packages that it needs, and whether ``python -m benchmarks`` runs it unasked."""

    module: str
    needs: tuple[str, ...] = ("torch", "transformers")
    unasked: bool = True


PARTS: Mapping[str, Place] = {
    "draw": Place("draw"),
    "tempering": Place("tempering"),
    "llama-cpp": Place("llama_cpp_step", ("llama_cpp", "gguf", "torch", "transformers")),
    "decode": Place("decode_step"),
    "transformers": Place("transformers_step"),
    "mlx": Place("mlx_step", ("mlx_lm",)),
    "onnxruntime-genai": Place("onnxruntime_genai_step", ("onnxruntime_genai", "onnx", "torch", "transformers")),
    "vllm": Place("vllm_step", ("vllm",)),
    "metrics": Place("metrics", ("nltk", "sacrebleu", "rouge_score")),
    "compare": Place("compare", ("torch", "transformers", "sacrebleu", "rouge_score", "vl_convert")),
    "start-up": Place("start_up", ()),
    "grid": Place("grid"),
}
"""In the order in which they run. A part on GPUs has a command of its own, ``python -m benchmarks.gpu``."""


def missing(name: str) -> list[str]:
    """The packages that a part needs and that are not here."""
    return [package for package in PARTS[name].needs if find_spec(package) is None]


def load(name: str) -> Part:
    """The part's module; what it measures is imported only now."""
    return cast(Part, import_module(f"benchmarks.{PARTS[name].module}"))
