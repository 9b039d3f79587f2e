"""Clipped counts of n-grams within a group, against their definition and by hand."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edt_sampling.metrics.shared_ngrams import shared

texts = st.lists(st.sampled_from("abc"), max_size=7)


def counts(text: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))


def by_definition(group: list[list[str]], order: int) -> list[list[int]]:
    """Each n-gram of a text at most as often as the other text has it that has it most."""
    rows: list[list[int]] = []
    for i, text in enumerate(group):
        rest = group[:i] + group[i + 1 :]
        clipped = [{g: min(c, max(counts(r, n)[g] for r in rest)) for g, c in counts(text, n).items()} for n in range(1, order + 1)]
        rows.append([sum(found.values()) for found in clipped])
    return rows


@given(st.lists(st.lists(texts, min_size=2, max_size=4), min_size=1, max_size=3), st.integers(1, 5))
def test_is_the_definition(groups: list[list[list[str]]], order: int) -> None:
    assert shared(groups, order=order).tolist() == [row for group in groups for row in by_definition(group, order)]


def test_by_hand() -> None:
    # Of "a a a" the pair has two a, and one "a a"; "b" stands alone. The second group shares nothing with the first.
    groups = [[["a", "a", "a", "b"], ["a", "a"]], [["a", "a"], ["b"]]]
    assert shared(groups, order=3).tolist() == [[2, 1, 0], [2, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_texts_without_words_share_nothing() -> None:
    assert shared([[[], []]], order=2).tolist() == [[0, 0], [0, 0]]
