"""QuAC: turns of dialogues as examples, by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hub_copies import QUAC, write_quac, write_rows

from edt_sampling.tasks import Example, load_task

CONTEXT = "Ann Lee was born in Leeds in 1736. She went to America in 1774. She died in 1784. CANNOTANSWER"
NO = "CANNOTANSWER"


def dialogue(id: str, turns: list[tuple[str, str, list[str]]], **fields: Any) -> dict[str, Any]:
    """A row of turns, each with its question, the answer given then, and all answers."""
    return {
        **{"dialogue_id": id, "wikipedia_page_title": "Ann Lee", "background": "b", "section_title": "Life", "context": CONTEXT},
        "turn_ids": [f"{id}_q#{i}" for i in range(len(turns))],
        "questions": [question for question, _, _ in turns],
        "followups": [0] * len(turns),
        "yesnos": [2] * len(turns),
        "answers": {"texts": [texts for _, _, texts in turns], "answer_starts": [[0] * len(texts) for _, _, texts in turns]},
        "orig_answers": {"texts": [given for _, given, _ in turns], "answer_starts": [0] * len(turns)},
        **fields,
    }


TURNS = [
    ("Where was she born?", "in Leeds", ["in Leeds", "Leeds", "in Leeds"]),
    ("Was she rich?", NO, [NO, "She went to America", NO]),
    ("Did she travel? ", "She went to America in 1774.", ["She went to America in 1774.", NO, "to America"]),
    ("Why?", NO, [NO, "in 1774"]),
    ("When did she die?", "in 1784", [" in 1784. ", "She died in 1784."]),
]


@pytest.fixture
def examples(tmp_path: Path) -> Any:
    write_rows(tmp_path, "plain_text", "train", [dialogue("C_1_0", TURNS)], QUAC)

    def read(parameters: str = "") -> dict[str, Example]:
        return {e.id: e for e in load_task(f"quac:from={tmp_path}{parameters}", split="train").examples()}

    return read


def test_the_prompt_word_for_word(examples: Any) -> None:
    example = examples()["C_1_0_q#2"]
    passage = "Ann Lee was born in Leeds in 1736. She went to America in 1774. She died in 1784."
    assert example.prompt == (
        f"Passage about Ann Lee, Life:\n{passage}\n\nAnswer the last question with words of the passage.\n"
        "Q: Where was she born?\nA: in Leeds\nQ: Was she rich?\nA: No Answer Present.\nQ: Did she travel?\nA:"
    )
    assert example.evidence == passage


def test_half_the_people_without_an_answer_make_a_question_unanswerable(examples: Any) -> None:
    """As QuAC's scorer: at least half; else those who say so are dropped."""
    references = {id: e.references for id, e in examples().items()}
    assert references == {
        "C_1_0_q#0": ("in Leeds", "Leeds"),
        "C_1_0_q#2": ("She went to America in 1774.", "to America"),
        "C_1_0_q#4": ("in 1784.", "She died in 1784."),
    }
    unanswerable = examples(",answerable=no")
    assert {id: e.references for id, e in unanswerable.items()} == dict.fromkeys(("C_1_0_q#1", "C_1_0_q#3"), ("No Answer Present.",))
    assert len(examples(",answerable=both")) == 5
    assert "If the answer is not there, write: No Answer Present.\n" in unanswerable["C_1_0_q#1"].prompt


def test_nothing_of_the_marker_reaches_a_model(tmp_path: Path) -> None:
    write_quac(tmp_path)
    for split in ("train", "dev", "test"):
        for example in load_task(f"quac:answerable=both,from={tmp_path}", split=split).examples():
            assert "CANNOTANSWER" not in example.prompt + "".join(example.references)


def test_history_shows_the_last_turns(examples: Any) -> None:
    assert examples(",history=0")["C_1_0_q#4"].prompt.count("Q: ") == 1
    assert "Q: Did she travel?\nA: She went to America in 1774.\nQ: Why?\nA: No" in examples(",history=2")["C_1_0_q#4"].prompt
    assert examples(",history=2")["C_1_0_q#4"].prompt.count("Q: ") == 3
    assert examples(",history=9") == examples()


def test_a_cut_passage_keeps_the_questions_that_it_still_answers(examples: Any, tmp_path: Path) -> None:
    kept = examples(",max_characters=54")
    assert {id: e.references for id, e in kept.items()} == {"C_1_0_q#0": ("in Leeds", "Leeds"), "C_1_0_q#2": ("to America",)}
    assert kept["C_1_0_q#0"].evidence == "Ann Lee was born in Leeds in 1736. She went to America"
    facts = load_task(f"quac:from={tmp_path},max_characters=54", split="train").facts()
    assert facts["left out"] == "it has no answer: 2; no answer stands in the part of the passage that is kept: 1"


def test_validation_is_cut_by_article_so_that_no_dialogue_stands_on_both_sides(tmp_path: Path) -> None:
    titles = [f"Page {i}" for i in range(40)]
    rows = [dialogue(f"C_{i}_{side}", TURNS, wikipedia_page_title=title) for i, title in enumerate(titles) for side in (0, 1)]
    write_rows(tmp_path, "plain_text", "validation", rows, QUAC)
    found = {split: [e.id for e in load_task(f"quac:from={tmp_path}", split=split).examples()] for split in ("dev", "test")}
    for split, ids in found.items():
        expected = {
            f"C_{i}_{side}"
            for i, title in enumerate(titles)
            for side in (0, 1)
            if (int.from_bytes(hashlib.sha256(title.encode()).digest()[:8], "big") % 3 == 0) == (split == "dev")
        }
        assert {id.partition("_q#")[0] for id in ids} <= expected
    assert len(found["dev"]) > 10
    assert len(found["test"]) > 20


def test_turns_of_one_dialogue_are_spread_over_the_order(tmp_path: Path) -> None:
    write_quac(tmp_path, train=50)
    first = load_task(f"quac:from={tmp_path}", split="train").examples(40)
    assert len({e.id.partition("_q#")[0] for e in first}) > 20
