"""The bundled model, as a GGUF file and in transformers."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from edt_sampling.engines.decoding.engine import LogitsEngine
from edt_sampling.engines.llama_cpp import PolicyLlama, load
from edt_sampling.engines.llama_cpp.gguf import write_gguf
from edt_sampling.engines.transformers import TransformersEngine
from edt_sampling.engines.transformers import load as load_transformers
from edt_sampling.sampling.float32 import SWITCH

torch.set_num_threads(1)
EXACT = {"n_ctx": 512, "n_threads": 1, "n_threads_batch": 1, "type_k": 0, "type_v": 0, "verbose": False}


@pytest.fixture(scope="session")
def bundled() -> Path:
    return Path(str(files("edt_sampling") / "models" / "docs-6m"))


@pytest.fixture(scope="session")
def gguf(bundled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(bundled, tmp_path_factory.mktemp("gguf") / "docs-6m.gguf")


@pytest.fixture(scope="session")
def llama(gguf: Path) -> Iterator[PolicyLlama]:
    """llama-cpp-python's interface, keys and values in float32."""
    opened = PolicyLlama(str(gguf), **EXACT)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def engine(gguf: Path) -> LogitsEngine:
    return load(model=str(gguf), threads=1, cache="f32")


@pytest.fixture(scope="session")
def transformers_engine() -> TransformersEngine:
    return load_transformers()


@pytest.fixture(params=["1", "0"], ids=["fast", "plain"])
def switch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The compiled path, and the one without it."""
    monkeypatch.setenv(SWITCH, request.param)
    return request.param
