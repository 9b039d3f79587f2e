"""One docstring of an installed package, found by its name and verified by its hash.

Parsing a large file takes a second; the hash allows to guess first where the text stands, and to parse only where the guess is wrong.
"""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from edt_sampling.tasks.harvest import Docstring, file_docstrings, package_folder, text_hash

_LITERAL = re.compile(r'[rR]?(?:"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\')', re.S)


def find_docstring(name: str, sha: str) -> Docstring | None:
    """The docstring of ``package.module:Class.method`` whose text has this hash; None where it is missing or reads otherwise."""
    path = source_file(name)
    if path is None:
        return None
    qualname = name.partition(":")[2]
    for text in _literals_after(qualname.rpartition(".")[2], path):
        if text_hash(text) == sha:
            return Docstring(name, text)
    text = _parsed(path).get(qualname)
    return Docstring(name, text) if text is not None and text_hash(text) == sha else None


def source_file(name: str) -> Path | None:
    """The file that holds ``package.module:...`` in the installed package; None where there is none."""
    package, *inner = name.partition(":")[0].split(".")
    folder = package_folder(package)
    if folder is None:
        return None
    base = folder.joinpath(*inner)
    return next((path for path in (base / "__init__.py", base.parent / f"{base.name}.py") if path.is_file()), None)


def _literals_after(name: str, path: Path) -> Iterator[str]:
    """The first triple-quoted text after each ``def name`` or ``class name``: most often its docstring, and a hash tells."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    for definition in re.finditer(rf"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+{name}\b", source, re.M):
        literal = _LITERAL.search(source, definition.end())
        if literal is not None:
            yield _value(literal[0])


def _value(literal: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's invalid escapes
        try:
            return inspect.cleandoc(ast.literal_eval(literal))
        except (SyntaxError, ValueError):
            return ""


_parsed = lru_cache(maxsize=64)(file_docstrings)
