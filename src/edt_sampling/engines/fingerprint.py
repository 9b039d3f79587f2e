"""Fingerprints: twelve hexadecimal digits that change with a model's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any


def fingerprint(source: str, config: Any) -> str:
    """That of the model which was loaded from ``source``: the Hub's commit, or a hash of sizes and edges of the folder's files.

    ``config``: the model's configuration, which knows the commit.
    """
    commit = getattr(config, "_commit_hash", None)
    digest = hashlib.sha256((commit or "").encode())
    if not commit:
        for file in sorted([*Path(source).glob("*.safetensors"), Path(source) / "config.json"]):
            digest.update(f"{file.name} {file.stat().st_size}".encode())
            digest.update(_edges(file))
    return digest.hexdigest()[:12]


def adapted(base: str, *files: Path) -> str:
    """That of a model with the fingerprint ``base`` to whose weights those in ``files`` were added."""
    digest = hashlib.sha256(base.encode())
    for file in files:
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        digest.update(_edges(file))
    return digest.hexdigest()[:12]


def _edges(file: Path, size: int = 1 << 20) -> bytes:
    """The first and last megabyte of a file."""
    with file.open("rb") as stream:
        first = stream.read(size)
        stream.seek(max(0, file.stat().st_size - size))
        return first + stream.read(size)
