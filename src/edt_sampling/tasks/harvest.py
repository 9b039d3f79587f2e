"""Docstrings of installed packages, read from their source files.

Files are parsed, never imported: reading a package's documentation runs none of its code.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_SKIPPED_FOLDERS = {"tests", "test", "testing", "_vendor", "vendor", "vendored", "externals", "extern", "__pycache__"}


@dataclass(frozen=True)
class Docstring:
    """A cleaned docstring under its qualified name, ``package.module:Class.method``."""

    name: str
    text: str

    @property
    def sha(self) -> str:
        return text_hash(self.text)


def text_hash(text: str) -> str:
    """The first 12 hexadecimal digits of the text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def package_folder(package: str) -> Path | None:
    """Where an installed package lies, without importing it; None where it is not a folder of source files."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def docstrings(folder: Path) -> Iterator[Docstring]:
    """Every docstring of the package in ``folder``, in the order of its files and lines."""
    for path in _source_files(folder):
        module = _module_name(path, folder)
        for name, text in file_docstrings(path).items():
            yield Docstring(f"{module}:{name}", text)


def file_docstrings(path: Path) -> dict[str, str]:
    """Qualified name (within the file) to cleaned docstring; the module's own is left out. Unreadable files hold none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError, RecursionError):
        return {}
    found: dict[str, str] = {}
    _walk(tree, "", found)
    return found


def _walk(node: ast.AST, prefix: str, found: dict[str, str]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(child, clean=False)
            if text:
                found.setdefault(prefix + child.name, inspect.cleandoc(text))
            if isinstance(child, ast.ClassDef):
                _walk(child, f"{prefix}{child.name}.", found)
        elif isinstance(child, ast.If | ast.Try):
            _walk(child, prefix, found)


def _source_files(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f.lower() not in _SKIPPED_FOLDERS)
        for file in sorted(files):
            if file.endswith(".py") and not file.startswith("test_"):
                yield Path(root, file)


def _module_name(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join((folder.name, *parts))
