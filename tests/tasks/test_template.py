"""Templates filled in, sources cut, references sorted out."""

from __future__ import annotations

import pytest

from edt_sampling.tasks.template import ANY_WORD, ASCII_WORD, LeftOut, Template, cut

TEMPLATE = Template("Text by {who}:\n{evidence}\n\nSay:")


def test_the_evidence_stands_in_the_prompt_and_can_be_taken_out() -> None:
    example = TEMPLATE.example("1", [" a ", "b", "a"], evidence=" a {brace}\nand {who} \n", who="{me}")
    assert example.prompt == "Text by {me}:\na {brace}\nand {who}\n\nSay:"
    assert example.evidence == "a {brace}\nand {who}"
    assert example.prompt_without_evidence == "Text by {me}:\n\n\nSay:"
    assert example.references == ("a", "b")


@pytest.mark.parametrize(
    ("evidence", "references", "word", "rule"),
    [
        (" \n", ["r"], ANY_WORD, "the source is empty"),
        (None, ["r"], ANY_WORD, "the source is empty"),
        ("e", [], ANY_WORD, "no reference holds a word"),
        ("e", ["", " ", "?!", "_", None], ANY_WORD, "no reference holds a word"),
        ("e", ["今天", "½", "é"], ASCII_WORD, "no reference holds a word"),
        ("by", ["r"], ANY_WORD, "the source stands in the instruction"),
    ],
)
def test_what_is_left_out_and_by_which_rule(evidence, references, word, rule) -> None:
    made = TEMPLATE.example("1", references, evidence=evidence, word=word, who="me")
    assert isinstance(made, LeftOut)
    assert made == rule


def test_references_without_a_word_are_dropped_beside_others() -> None:
    assert TEMPLATE.example("1", ["...", "今天", "x"], evidence="e e", who="me").references == ("今天", "x")
    assert TEMPLATE.example("1", ["...", "今天", "x"], evidence="e e", who="me", word=ASCII_WORD).references == ("x",)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        (" one two three ", None, "one two three"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two"),
        ("one two three", 8, "one two"),
        ("one two three", 7, "one two"),
        ("one two three", 6, "one"),
        ("one two three", 2, "on"),
        ("今天天气很好我们去公园", 4, "今天天气"),
        ("第一段\n" + "字" * 100, 60, "第一段\n" + "字" * 56),
    ],
)
def test_a_cut_falls_between_words_or_where_none_are_between_characters(text: str, limit: int | None, expected: str) -> None:
    assert cut(text, limit).strip() == expected
