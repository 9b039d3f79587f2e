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
        {"prompt": "Read: abc. Say.", "evidence": "abc", "references": ["a", "b"], "id": "first", "extra": 1, "split": "test"},
        {"prompt": "p", "reference": "r", "id": 70, "split": "test"},
        {"prompt": "line\u2028separator", "reference": "r", "evidence": None, "split": "test"},
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
        ('{"prompt": "p", "reference": "r", "split": "valid"}', "split must be one of train, dev, test, got 'valid'"),
        ('{"prompt": "p", "reference": "r", "split": 1}', "split must be a text, got a number"),
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


def lines(prompts: list[str], **fields: str | None) -> str:
    return "".join(json.dumps({"prompt": p, "reference": "r", "id": str(i), **fields}) + "\n" for i, p in enumerate(prompts))


def prompts(path: Path, split: str) -> list[str]:
    return [e.prompt for e in JsonlTask(path, split).examples()]


def test_lines_that_name_their_split(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(lines([f"{s}{i}"], split=s, id=f"{s}{i}") for i in range(3) for s in ("test", "train", "dev")))
    for split in ("dev", "test", "train"):
        assert prompts(path, split) == [f"{split}{i}" for i in range(3)]
    assert {JsonlTask(path, split).fingerprint for split in ("dev", "test", "train")} == {JsonlTask(path).fingerprint}


def test_without_a_split_a_third_of_the_lines_is_dev(tmp_path: Path) -> None:
    every = [f"p{i}" for i in range(300)]
    path = written(tmp_path, lines(every, split=None))
    dev, test = prompts(path, "dev"), prompts(path, "test")
    assert len(dev) == pytest.approx(100, abs=25)
    assert sorted(dev + test) == sorted(every)
    assert dev == sorted(dev, key=every.index)
    assert test == sorted(test, key=every.index)
    with pytest.raises(ValueError, match=re.escape(f'{path}: no line of 300 falls to split train; give lines a "split": "train" field')):
        JsonlTask(path, "train")


def test_a_line_stays_in_its_split_wherever_it_stands(tmp_path: Path) -> None:
    every = [f"p{i}" for i in range(40)]
    before = set(prompts(written(tmp_path, lines(every)), "dev"))
    after = prompts(written(tmp_path, lines(["new", *every[::-1], "p3", "p0"])), "dev")
    assert set(after) - {"new"} == before
    assert [after.count(p) for p in ("p0", "p3")] == [2 * (p in before) for p in ("p0", "p3")]


def test_a_split_on_some_lines_only(tmp_path: Path) -> None:
    path = written(tmp_path, f'{GOOD[:-1]}, "split": "dev"}}\n\n{GOOD}\n{GOOD}\n')
    with pytest.raises(ValueError, match=re.escape(f"{path}: line 3: split is missing, other lines have it")) as caught:
        JsonlTask(path, "dev")
    assert "\n" not in str(caught.value)


def test_a_split_without_lines(tmp_path: Path) -> None:
    path = written(tmp_path, f'{GOOD[:-1]}, "split": "dev"}}')
    with pytest.raises(ValueError, match=re.escape('no line of 1 falls to split test; give lines a "split": "test" field, or more lines')):
        JsonlTask(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.jsonl: No such file or directory"):
        JsonlTask(tmp_path / "none.jsonl")
    with pytest.raises(ValueError, match="Is a directory"):
        JsonlTask(tmp_path)
