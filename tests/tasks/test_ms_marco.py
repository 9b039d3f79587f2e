"""MS MARCO: passages, questions with and without answers, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hub_copies import MS_MARCO, write_ms_marco, write_rows

from edt_sampling.tasks import load_task

PASSAGES = ["First one, long. ", "Second.", "The third passage has it.", "Fourth."]


def row(id: int, answers: list[str], **fields: Any) -> dict[str, Any]:
    return {
        **{"answers": answers, "query": f" what is {id} ", "query_id": id, "query_type": "description", "wellFormedAnswers": []},
        "passages": {"is_selected": [0, 0, 1, 0], "passage_text": PASSAGES, "url": ["u"] * 4},
        **fields,
    }


ROWS = [
    row(1, ["It is one.", "One.", "It is one."]),
    row(2, []),
    row(3, [""]),
    row(4, ["No Answer Present."]),
    row(5, ["No Answer Present.", "Five"]),
    row(6, ["½"]),
    row(7, ["Seven"], passages={"is_selected": [], "passage_text": [], "url": []}),
]


def read(folder: Path, parameters: str = "") -> dict[str, Any]:
    return {e.id: e for e in load_task(f"ms_marco:from={folder}{parameters}", split="dev").examples()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path, "v1.1", "validation", ROWS, MS_MARCO)
    return tmp_path


def test_the_prompt_word_for_word(folder: Path) -> None:
    example = read(folder)["1"]
    assert example.prompt == (
        "Passages:\nFirst one, long.\nSecond.\nThe third passage has it.\nFourth.\n\n"
        "Answer the question from the passages.\nQuestion: what is 1\nAnswer:"
    )
    assert example.evidence == "First one, long.\nSecond.\nThe third passage has it.\nFourth."


def test_which_questions_have_an_answer(folder: Path) -> None:
    assert {id: e.references for id, e in read(folder).items()} == {"1": ("It is one.", "One."), "5": ("Five",)}
    assert {id: e.references for id, e in read(folder, ",answerable=no").items()} == dict.fromkeys("234", ("No Answer Present.",))
    assert set(read(folder, ",answerable=both")) == set("12345")
    facts = load_task(f"ms_marco:from={folder}", split="dev").facts()
    assert facts["left out"] == "it has no answer: 3; no reference holds a word: 1; the source is empty: 1"
    assert facts["units"] == "7 fall to dev; all were looked at: 2 examples"


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (58, [0, 1, 2, 3]),
        (57, [0, 1, 2]),
        (50, [0, 1, 2]),
        (49, [0, 2]),
        (41, [1, 2, 3]),
        (40, [1, 2]),
        (33, [1, 2]),
        (32, [2]),
        (25, [2]),
    ],
)
def test_what_was_answered_from_is_kept_first_and_the_order_stays(folder: Path, limit: int, kept: list[int]) -> None:
    """Lengths are 16, 7, 25 and 7; each of those that follow the first in takes a line break besides."""
    assert read(folder, f",max_characters={limit}")["1"].evidence == "\n".join(PASSAGES[i].strip() for i in kept)


def test_a_passage_that_does_not_fit_alone_is_cut(folder: Path) -> None:
    assert read(folder, ",max_characters=20")["1"].evidence == "The third passage"


def test_all_three_splits_have_answers(tmp_path: Path) -> None:
    write_ms_marco(tmp_path)
    sizes = {split: len(load_task(f"ms_marco:from={tmp_path}", split=split).examples()) for split in ("train", "dev", "test")}
    assert sizes == {"train": 175, "dev": 35, "test": 70}
