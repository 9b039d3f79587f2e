"""The machine that the numbers are of."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.load import own_cores

PACKAGES = ("torch", "transformers", "numba", "numpy", "llama-cpp-python", "mlx", "onnxruntime-genai", "vllm", "nltk")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "sve")
"""What the CPU's own list of abilities may hold that matters here."""


@cache
def machine() -> dict[str, Any]:
    """CPU, cores, memory, system, Python and the packages that are there."""
    info = _cpuinfo()
    flags = set(info.get("flags", info.get("Features", "")).split())
    return {
        "cpu": info.get("model name") or platform.processor() or platform.machine(),
        "cores": len(own_cores()),
        "abilities": [flag for flag in FLAGS if flag in flags],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def told(found: Mapping[str, Any], *, packages: tuple[str, ...] = ("torch", "transformers", "numba")) -> str:
    """The machine in a line of prose."""
    abilities = f" ({', '.join(found['abilities'])})" if found["abilities"] else ""
    named = ", ".join(f"{name} {found['packages'][name]}" for name in packages if name in found["packages"])
    cores = "1 core" if found["cores"] == 1 else f"{found['cores']} cores"
    return f"{found['cpu']}, {cores}{abilities}; Python {found['python']}, {named}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where there is none."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8").partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}
