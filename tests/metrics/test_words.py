"""Words of any script, by hand, and by rouge_score where all is ASCII."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from edt_sampling.metrics.words import words, words_signature


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 2 o'clock_now, ÉTÉ!", ["it", "s", "2", "o", "clock", "now", "été"]),
        ("Привет, мир — Київ", ["привет", "мир", "київ"]),
        ("हिन्दी भाषा है।", ["हिन्दी", "भाषा", "है"]),
        ("می\u200cخواهم، کتاب", ["می\u200cخواهم", "کتاب"]),
        ("මනුෂ්\u200dයයෝ", ["මනුෂ්\u200dයයෝ"]),
        ("모든 인간은", ["모든", "인간은"]),
        ("አማርኛ፡ቋንቋ።", ["አማርኛ", "ቋንቋ"]),
        ("今天，天气。", ["今", "天", "天", "气"]),
        ("コーヒーは2杯", ["コ", "ー", "ヒ", "ー", "は", "2", "杯"]),
        ("人々〇ㄅ", ["人", "々", "〇", "ㄅ"]),
        ("iPhone手机 12个", ["iphone", "手", "机", "12", "个"]),
        ("ที่นี่ ๑๒", ["ที่", "นี่", "๑", "๒"]),
        ("ພາສາ", ["ພ", "າ", "ສ", "າ"]),
        ("ភាសា", ["ភា", "សា"]),
        ("မြန်မာ၊", ["မြ", "န်", "မာ"]),
        ("\u200c \u0301 !? ©", []),
        ("", []),
    ],
)
def test_by_hand(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(st.characters(max_codepoint=127), max_size=30))
def test_on_ascii_they_are_rouge_scores_words(text: str) -> None:
    assert words(text) == tokenize(text, None)


@given(st.text(max_size=20))
def test_composed_and_decomposed_letters_are_the_same_words(text: str) -> None:
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(exclude_categories=["Cn", "Cs"]), max_size=20))
def test_a_text_has_a_word_exactly_if_it_has_a_letter_or_digit(text: str) -> None:
    kinds = {unicodedata.category(c)[0] for c in unicodedata.normalize("NFC", text)}
    assert bool(words(text)) == bool(kinds & {"L", "N"})


def test_the_signature_names_the_tables() -> None:
    assert words_signature().startswith("unicode-regex20")
