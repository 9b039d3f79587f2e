"""A user's own examples: a file with a JSON object a line.

    {"prompt": "...", "references": ["...", "..."], "evidence": "...", "id": "..."}

``prompt`` and ``references`` (a list of texts, or ``reference``, one text) are required. ``evidence``, the part of the
prompt that holds the source, must stand in it word for word. ``id`` is the line's number by default. Other fields are
left alone. Lines are run in the order of the file: shuffle it if it is sorted by anything that matters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.task import Task

SHOWN = 5


class JsonlTask(Task):
    """The examples of a JSONL file. It has no splits: whatever the split, these are all of its lines."""

    def __init__(self, path: str | Path, split: str = "test") -> None:
        """Reads the file; raises ValueError in one line that lists its bad lines by number."""
        self.name, self.split = str(path), split
        content = _read(Path(path))
        self._fingerprint = hashlib.sha256(content).hexdigest()[:12]
        self._examples = _examples(_decoded(content, self.name), self.name)

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    def read(self, limit: int | None) -> Sequence[Example]:
        return self._examples[:limit]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}; give a file with a JSON object a line") from None


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{name}: starts with a byte order mark; save it as UTF-8 without one")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{name}: line {line} is not UTF-8; save the file as UTF-8") from None


def _examples(text: str, name: str) -> list[Example]:
    """The example of each line that is not blank."""
    examples: list[Example] = []
    bad: list[str] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: JSON strings may hold U+2028
        if not line.strip():
            continue
        try:
            example = _example(line, number)
            if (first := line_of.setdefault(example.id, number)) != number:
                raise ValueError(f"id {example.id!r} is already that of line {first}")
            examples.append(example)
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise ValueError(f"{name}: {'; '.join(bad[:SHOWN])}{more}")
    if not examples:
        raise ValueError(f"{name}: holds no examples; give a file with a JSON object a line")
    return examples


def _example(line: str, number: int) -> Example:
    fields = _object(line)
    prompt, evidence = _text(fields, "prompt"), _text(fields, "evidence") if fields.get("evidence") is not None else None
    if evidence is not None and evidence not in prompt:
        raise ValueError("evidence must stand in the prompt word for word")
    return Example(id=_id(fields, number), prompt=prompt, references=_references(fields), evidence=evidence)


def _object(line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON that can be read ({error})") from None
    if not isinstance(fields, dict):
        raise ValueError(f"must be a JSON object, got {_kind(fields)}")
    return cast("dict[str, Any]", fields)


def _text(fields: dict[str, Any], field: str) -> str:
    if field not in fields:
        raise ValueError(f"{field} is missing")
    return _checked(fields[field], field)


def _references(fields: dict[str, Any]) -> tuple[str, ...]:
    if "references" not in fields:
        if "reference" not in fields:
            raise ValueError("references (a list of texts) or reference (a text) is missing")
        return (_checked(fields["reference"], "reference"),)
    if "reference" in fields:
        raise ValueError("give references or reference, not both")
    texts = fields["references"]
    if not isinstance(texts, list) or not texts:
        raise ValueError(f"references must be a list of at least one text, got {_kind(texts)}")
    return tuple(_checked(text, "each of references") for text in cast("list[object]", texts))


def _checked(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{field} must be a text, got {_kind(value)}")
    if not value.strip():
        raise ValueError(f"{field} is empty")
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError(f"{field} holds half a surrogate pair (\\ud800 to \\udfff), which is no character")
    return value


def _id(fields: dict[str, Any], number: int) -> str:
    value = fields.get("id", number)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _checked(value, "id")


def _kind(value: object) -> str:
    """What JSON calls the value."""
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    names: dict[type, str] = {dict: "an object", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
