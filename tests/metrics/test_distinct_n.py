"""Distinct-n against hand-worked values and nltk's n-grams."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.util import ngrams

from edt_sampling.metrics.distinct_n import DistinctN

words = st.lists(st.sampled_from(["the", "cat", "sat", "été", "好"]), max_size=6)


def test_hand_worked() -> None:
    groups = [["The cat sat.", "the cat ran"], ["a a a a", "b"]]
    # the cat, cat sat, the cat, cat ran: 3 of 4. a a three times: 1 of 3.
    assert DistinctN(k=2).scores(groups) == pytest.approx([3 / 4, 1 / 3])
    assert DistinctN(1, k=2).scores(groups) == pytest.approx([4 / 6, 2 / 5])


@given(st.lists(words, min_size=3, max_size=3), st.integers(1, 4))
def test_is_the_share_of_different_nltk_ngrams(group: list[list[str]], n: int) -> None:
    grams = [gram for text in group for gram in ngrams(text, n)]
    value = DistinctN(n, k=3).scores([[" ".join(text) for text in group]])[0]
    assert value == len(set(grams)) / len(grams) if grams else math.isnan(value)


def test_ngrams_do_not_cross_outputs() -> None:
    assert math.isnan(DistinctN(k=2).scores([["a", "b"]])[0])


def test_a_group_without_ngrams_is_nan_and_leaves_the_others_alone() -> None:
    scores = DistinctN(k=2).scores([["", "!?"], ["a b", "c d"]])
    assert math.isnan(scores[0])
    assert scores[1] == 1


def test_errors() -> None:
    with pytest.raises(ValueError, match="n must be 1 or more, got 0"):
        DistinctN(0)
    with pytest.raises(ValueError, match="must be 1 or more, got 0"):
        DistinctN(k=0)
    with pytest.raises(ValueError, match="pass k=1"):
        DistinctN().scores([["a"]])


def test_name_and_signature() -> None:
    assert DistinctN(3).name == "distinct_3"
    assert DistinctN(3, k=4).signature == r"distinct|n:3|k:4|case:lower|tok:\w+|empty:nan"


def test_characters_of_a_script_without_spaces_are_words_to_the_unicode_tokenizer() -> None:
    """今天天气 and 今天: bigrams 今天, 天天, 天气, 今天, three of four different. As one word each they have no bigram."""
    assert DistinctN(k=2, tokenizer="unicode").scores([["今天天气", "今天。"]]).tolist() == [3 / 4]
    assert math.isnan(DistinctN(k=2).scores([["今天天气", "今天。"]])[0])


def test_a_word_with_marks_is_one_word_to_the_unicode_tokenizer() -> None:
    """Without it हिन्दी falls into three pieces at its marks, and two different words share bigrams."""
    assert DistinctN(1, k=1, tokenizer="unicode").scores([["हिन्दी हिन्दी"]]).tolist() == [1 / 2]
    assert DistinctN(1, k=1).scores([["हिन्दी हिन्दी"]]).tolist() == [3 / 6]
    assert DistinctN(k=1, tokenizer="unicode").scores([["कि की कु"]]).tolist() == [1]
    assert DistinctN(k=1).scores([["कि की कु"]]).tolist() == [1 / 2]


def test_the_tokenizer_is_checked_and_stands_in_the_signature() -> None:
    assert "|tok:\\w+|" in DistinctN().signature
    assert "|tok:unicode-regex20" in DistinctN(tokenizer="unicode").signature
    with pytest.raises(ValueError, match="tokenizer must be 'word' or 'unicode', got 'zh'"):
        DistinctN(tokenizer="zh")
