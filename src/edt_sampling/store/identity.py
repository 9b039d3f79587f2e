"""What makes two runs the same run: a hash of everything that decides their generations."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values, equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def run_folder(parent: Path, *, task: str, content: str) -> Path:
    """The folder of a run, ``<task>-<first eight digits of its hash>``; characters that file systems dislike become ``-``."""
    name = re.sub(r"[^\w.-]+", "-", task).strip("-.") or "task"
    return parent / f"{name}-{content[:8]}"
