"""Models of transformers' format as ONNX, by GenAI's own builder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from edt_sampling.engines.fingerprint import fingerprint
from edt_sampling.engines.source import BUNDLED, bundled_folder, cache_folder

NEEDS = ("torch", "transformers", "onnx", "onnx_ir")


def export(model: str, *, out: Path, precision: str = "fp32", provider: str = "cpu") -> Path:
    """The folder ``out``, which must not exist yet or be empty, with ``model`` in it as ``onnxruntime_genai.models.builder`` writes it.

    ``model``: a folder, a Hub id, or ``bundled``; ``precision``: fp32, fp16, bf16, int8 or int4, as far as ``provider`` (cpu, cuda, ...)
    has it. Raises ImportError that says what to install, OSError with the builder's last line where it fails.
    """
    _check(out)
    source = str(bundled_folder()) if model == BUNDLED else model
    folder = Path(source).expanduser()
    place = ["-i", str(folder.resolve())] if folder.is_dir() else ["-m", source]
    with tempfile.TemporaryDirectory() as cache:
        words = [*place, "-o", str(out.resolve()), "-p", precision, "-e", provider, "-c", cache]
        command = [sys.executable, "-m", "onnxruntime_genai.models.builder", *words]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cache)
    if ran.returncode:
        raise OSError(f"model {model!r} cannot be exported: {next(reversed(ran.stderr.strip().splitlines()), 'the builder failed')}")
    return out


def bundled_onnx() -> Path:
    """The bundled model's folder in the cache, float32, exported on first use: ``$XDG_CACHE_HOME/edt-sampling``, or ``~/.cache``."""
    home = cache_folder()
    target = home / f"docs-6m-{fingerprint(str(bundled_folder()), None)}-onnx-fp32"
    if not target.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as work:  # renamed when complete: nobody sees half of it
            made = export(BUNDLED, out=Path(work) / "model")
            try:
                made.rename(target)
            except OSError:
                if not target.is_dir():  # else another process was first
                    raise
    return target


def _check(out: Path) -> None:
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        raise ImportError(f"exporting to ONNX needs {', '.join(missing)}: pip install torch transformers onnx onnx-ir")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"out must be a new or empty folder, got {str(out)!r}, which holds something")
