"""A user's own examples: a file with a JSON object a line.

    {"prompt": "...", "references": ["...", "..."], "evidence": "...", "check": "...", "id": "...", "split": "test"}

``prompt`` and ``references`` (a list of texts, or ``reference``, one text) are required. ``evidence``, the part of the
prompt that holds the source, must stand in it word for word. ``check`` is a program of tests, where outputs are programs.
``id`` is the line's number by default. ``split`` is ``dev``, ``test`` or ``train``, on every line or on none; on none, a hash
of its prompt sends each line to ``dev`` (one third) or ``test`` (two thirds), wherever it stands and whatever stands beside
it. Other fields are left alone. Lines are run in the order of the file: shuffle it if it is sorted by anything that matters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.splits import SPLITS, held_out_split_of
from edt_sampling.tasks.task import Task

SHOWN = 5


class Line(NamedTuple):
    """A line of the file: its number from 1, its example, and the split that it names, if it does."""

    number: int
    example: Example
    split: str | None


class JsonlTask(Task):
    """The examples of one split of a JSONL file, in the file's order; the fingerprint is the whole file's."""

    def __init__(self, path: str | Path, split: str = "test") -> None:
        """Reads the file; raises ValueError in one line that lists its bad lines by number, or says that the split is empty."""
        self.name, self.split = str(path), split
        content = _read(Path(path))
        self._fingerprint = hashlib.sha256(content).hexdigest()[:12]
        self._examples = _of_split(_lines(_decoded(content, self.name), self.name), split, self.name)

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


def _of_split(lines: Sequence[Line], split: str, name: str) -> list[Example]:
    """The examples of this split: as the lines say, or, where none does, by the hash of their prompts."""
    silent = [line.number for line in lines if line.split is None]
    if 0 < len(silent) < len(lines):
        raise ValueError(f"{name}: line {silent[0]}: split is missing, other lines have it; give it on every line or on none")
    found = [line.example for line in lines if (line.split or held_out_split_of(line.example.prompt)) == split]
    if not found:
        raise ValueError(f'{name}: no line of {len(lines)} falls to split {split}; give lines a "split": "{split}" field, or more lines')
    return found


def _lines(text: str, name: str) -> list[Line]:
    """The lines that are not blank."""
    lines: list[Line] = []
    bad: list[str] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: JSON strings may hold U+2028
        if not line.strip():
            continue
        try:
            fields = _object(line)
            example = _example(fields, number)
            if (first := line_of.setdefault(example.id, number)) != number:
                raise ValueError(f"id {example.id!r} is already that of line {first}")
            lines.append(Line(number, example, _split(fields)))
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise ValueError(f"{name}: {'; '.join(bad[:SHOWN])}{more}")
    if not lines:
        raise ValueError(f"{name}: holds no examples; give a file with a JSON object a line")
    return lines


def _example(fields: dict[str, Any], number: int) -> Example:
    prompt, evidence = _text(fields, "prompt"), _text(fields, "evidence") if fields.get("evidence") is not None else None
    if evidence is not None and evidence not in prompt:
        raise ValueError("evidence must stand in the prompt word for word")
    check = _text(fields, "check") if fields.get("check") is not None else None
    return Example(id=_id(fields, number), prompt=prompt, references=_references(fields), evidence=evidence, check=check)


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


def _split(fields: dict[str, Any]) -> str | None:
    if fields.get("split") is None:
        return None
    split = _checked(fields["split"], "split")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    return split


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
