"""A user's file: what is read, and every way in which it can be bad, in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edt_sampling.tasks.jsonl import JsonlTask

GOOD = '{"prompt": "p", "reference": "r"}'


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_good_lines(tmp_path: Path) -> None:
    lines = [
        {"prompt": "Read: abc. Say.", "evidence": "abc", "references": ["a", "b"], "id": "first", "extra": 1},
        {"prompt": "p", "reference": "r", "id": 70},
        {"prompt": "line\u2028separator", "reference": "r", "evidence": None},
    ]
    task = JsonlTask(written(tmp_path, "\r\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)))
    first, second, third = task.examples()
    assert (first.id, first.evidence, first.references) == ("first", "abc", ("a", "b"))
    assert (second.id, second.evidence, second.references) == ("70", None, ("r",))
    assert (third.id, third.prompt) == ("5", "line\u2028separator")
    assert task.split == "test"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not JSON (Expecting property name enclosed in double quotes at column 2)"),
        ("[" * 100_000, "not JSON that can be read"),
        ("[1]", "must be a JSON object, got a list"),
        ("null", "must be a JSON object, got null"),
        ('{"reference": "r"}', "prompt is missing"),
        ('{"prompt": 3, "reference": "r"}', "prompt must be a text, got a number"),
        ('{"prompt": " ", "reference": "r"}', "prompt is empty"),
        (r'{"prompt": "\ud800", "reference": "r"}', "prompt holds half a surrogate pair"),
        ('{"prompt": "p"}', "references (a list of texts) or reference (a text) is missing"),
        ('{"prompt": "p", "reference": "r", "references": ["r"]}', "give references or reference, not both"),
        ('{"prompt": "p", "references": "r"}', "references must be a list of at least one text, got a text"),
        ('{"prompt": "p", "references": []}', "references must be a list of at least one text, got an empty list"),
        ('{"prompt": "p", "references": ["r", true]}', "each of references must be a text, got true or false"),
        ('{"prompt": "p", "references": [""]}', "each of references is empty"),
        ('{"prompt": "p", "reference": {}}', "reference must be a text, got an object"),
        ('{"prompt": "p", "reference": "r", "evidence": "q"}', "evidence must stand in the prompt word for word"),
        ('{"prompt": "p", "reference": "r", "evidence": 1.5}', "evidence must be a text, got a number"),
        ('{"prompt": "p", "reference": "r", "id": true}', "id must be a text, got true or false"),
        ('{"prompt": "p", "reference": "r", "id": "1"}', "id '1' is already that of line 1"),
    ],
)
def test_a_bad_line_is_reported_with_its_number(tmp_path: Path, line: str, complaint: str) -> None:
    path = written(tmp_path, f"{GOOD}\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}: line 2: {complaint}")) as caught:
        JsonlTask(path)
    assert "\n" not in str(caught.value)


def test_all_bad_lines_are_counted_and_five_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path, "\n".join([GOOD, *["{}"] * 17]))
    with pytest.raises(ValueError, match=r"line 2: .*; line 6: prompt is missing; and 12 more$") as caught:
        JsonlTask(path)
    assert "line 7" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no examples"),
        (b"\n \n", "holds no examples"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "starts with a byte order mark"),
        (GOOD.encode("utf-16"), "starts with a byte order mark"),
        (GOOD.encode() + b'\n{"prompt": "caf\xe9"}', "line 2 is not UTF-8"),
    ],
)
def test_a_bad_file(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        JsonlTask(written(tmp_path, content))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.jsonl: No such file or directory"):
        JsonlTask(tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="Is a directory"):
        JsonlTask(tmp_path)
