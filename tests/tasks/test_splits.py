"""Splits do not move, and near-duplicates stay together."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edt_sampling.tasks.splits import groups, held_out_split_of, split_of

KEYS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.sets(st.integers(0, 12), max_size=3), max_size=15)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("numpy.linalg:norm", "train"),
        ("numpy:clip", "train"),
        ("numpy:trace", "test"),
        ("torch.nn:Linear", "test"),
        ("sympy.logic.boolalg:bool_monomial", "dev"),
    ],
)
def test_the_split_of_a_name_does_not_move(name: str, split: str) -> None:
    assert split_of(name) == split


def test_the_shares_are_82_6_and_12_percent() -> None:
    counts = Counter(split_of(f"module:{i}") for i in range(10_000))
    assert [counts["train"], counts["dev"], counts["test"]] == pytest.approx([8200, 600, 1200], rel=0.1)


def test_a_third_is_dev_and_two_thirds_test() -> None:
    counts = Counter(held_out_split_of(f"prompt {i}") for i in range(9_000))
    assert [counts["dev"], counts["test"]] == pytest.approx([3000, 6000], rel=0.05)
    assert counts.keys() == {"dev", "test"}


@pytest.mark.parametrize(("text", "split"), [("p0", "test"), ("p1", "dev"), ("Summarise: \u6570", "test")])
def test_the_held_out_split_of_a_text_does_not_move(text: str, split: str) -> None:
    assert held_out_split_of(text) == split


@settings(deadline=None)
@given(KEYS)
def test_names_that_share_a_key_share_a_group(keys: dict[str, set[int]]) -> None:
    group = groups(keys)
    assert all(group[a] == group[b] for a, b in combinations(keys, 2) if keys[a] & keys[b])


@settings(deadline=None)
@given(KEYS)
def test_a_group_is_named_by_its_smallest_member(keys: dict[str, set[int]]) -> None:
    group = groups(keys)
    members: dict[str, set[str]] = {}
    for name, root in group.items():
        members.setdefault(root, set()).add(name)
    assert all(root == min(names) for root, names in members.items())


@settings(deadline=None)
@given(KEYS)
def test_a_group_is_held_together_by_a_chain_of_keys_and_by_nothing_else(keys: dict[str, set[int]]) -> None:
    group = groups(keys)
    for name in keys:
        reached, seen = {name}, set(keys[name])
        while more := {n for n in keys if n not in reached and keys[n] & seen}:
            reached |= more
            seen = seen.union(*(keys[n] for n in more))
        assert reached == {n for n in keys if group[n] == group[name]}


@settings(deadline=None)
@given(KEYS, st.randoms())
def test_the_order_of_the_names_does_not_matter(keys: dict[str, set[int]], random: Random) -> None:
    names = list(keys)
    random.shuffle(names)
    assert groups({n: keys[n] for n in names}) == groups(keys)
