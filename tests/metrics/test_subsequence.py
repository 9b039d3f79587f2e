"""The longest common subsequence against rouge_score's table, beyond the width of a machine word."""

from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import _lcs_table  # type: ignore[attr-defined]

from edt_sampling.metrics.subsequence import Subsequence

words = st.lists(st.sampled_from("abcd"), max_size=90)


@given(words, words)
def test_equals_the_table(one: list[str], other: list[str]) -> None:
    assert Subsequence(one).common(other) == _lcs_table(one, other)[-1][-1]


def test_by_hand() -> None:
    assert Subsequence(["the", "cat", "sat", "on", "the", "mat"]).common(["on", "the", "cat", "the", "mat", "lay"]) == 4  # the cat the mat
    assert Subsequence([]).common(["a"]) == 0
    assert Subsequence(["a"]).common([]) == 0


def test_one_text_serves_many() -> None:
    read = Subsequence(["a", "b"] * 40)
    assert [read.common(["b"] * n) for n in (100, 1, 100)] == [40, 1, 40]
