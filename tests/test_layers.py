"""Arrows point one way, frameworks stay in the files named for them, and ``import edt_sampling`` pulls in none."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "edt_sampling"
FILES = sorted(ROOT.rglob("*.py"))

MAY_IMPORT = {
    "plugins": set(),
    "policies": {"plugins"},
    "tasks": {"plugins"},
    "metrics": {"plugins"},
    "significance": set(),
    "sampling": {"policies"},
    "protocol": {"policies", "sampling"},
    "engines": {"plugins", "policies", "sampling", "protocol"},
    "conformance": {"plugins", "policies", "sampling", "engines", "tasks"},
    "store": {"policies", "sampling", "protocol"},
    "experiments": {"policies", "sampling", "protocol", "engines", "tasks", "metrics", "significance", "store"},
    "training": {"policies", "sampling", "protocol", "engines", "tasks", "metrics", "store"},
    "harness": {"policies", "sampling", "protocol", "engines", "significance", "store"},
    "__main__": {"cli"},
    "reports": {"policies", "sampling", "protocol", "metrics", "significance", "store", "experiments", "conformance"},
    "cli": {
        "policies",
        "sampling",
        "protocol",
        "engines",
        "tasks",
        "metrics",
        "significance",
        "store",
        "experiments",
        "reports",
        "training",
        "harness",
        "conformance",
    },
}
"""Each room with those it may import; every room may import itself and the version at the top."""

FRAMEWORKS = {
    "torch": {
        "sampling/torch.py",
        "sampling/torch_filters.py",
        "sampling/torch_numba.py",
        "sampling/torch_tempering.py",
        "sampling/torch_threads.py",
        "sampling/torch_triton.py",
        "sampling/triton_",
        "engines/transformers",
        "engines/vllm",
        "engines/sglang",
        "conformance/torch.py",
        "conformance/transformers.py",
        "conformance/vllm.py",
        "conformance/sglang.py",
        "conformance/freezing.py",
        "training",
        "harness/model.py",
    },
    "transformers": {"engines/transformers", "conformance/transformers.py", "training", "harness/model.py"},
    "numba": {"sampling/numba.py", "sampling/numba_kernels.py"},
    "triton": {"sampling/triton_"},
    "vllm": {"engines/vllm", "conformance/vllm.py"},
    "sglang": {"engines/sglang", "conformance/sglang.py"},
    "llama_cpp": {"engines/llama_cpp", "conformance/llama_cpp.py"},
    "gguf": {"engines/llama_cpp"},
    "mlx": {"engines/mlx", "conformance/mlx.py", "sampling/mlx.py", "sampling/mlx_filters.py"},
    "mlx_lm": {"engines/mlx", "conformance/mlx.py"},
    "onnxruntime_genai": {"engines/onnxruntime_genai", "conformance/onnxruntime_genai.py"},
    "openai": {"engines/openai"},
    "peft": {"engines/transformers/adapters.py", "training/lora"},
    "trl": {"training/lora"},
    "datasets": {"training/lora"},
    "lm_eval": {"harness"},
    "pyarrow": {"tasks/rows.py"},
    "huggingface_hub": {"tasks/hub.py"},
    "vl_convert": {"reports/charts/drawing.py"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file names in its imports, at the top or within functions; imports for types alone count too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


@pytest.mark.parametrize("path", [f for f in FILES if f != ROOT / "__init__.py"], ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_one_way(path):
    own = room(path)
    assert own in MAY_IMPORT, f"{own} is a new room: say in MAY_IMPORT what it may import"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "edt_sampling" and len(parts) > 1 and parts[1] in MAY_IMPORT:
            assert parts[1] in MAY_IMPORT[own] | {own}, f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_is_imported_in_the_files_named_for_it(framework):
    users = {str(f.relative_to(ROOT)) for f in FILES if any(n.split(".")[0] == framework for n in imports(f))}
    assert users
    assert all(
        any(u == home or u.startswith((f"{home}/", home) if home.endswith("_") else f"{home}/") for home in FRAMEWORKS[framework])
        for u in users
    ), users


def test_the_package_imports_alone():
    """No framework, nor NumPy, comes along."""
    code = "import sys, edt_sampling; print([m for m in ('numpy', 'torch', 'transformers', 'scipy', 'rich', 'click') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
