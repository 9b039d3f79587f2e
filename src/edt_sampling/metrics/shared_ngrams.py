"""N-grams that the texts of a group share, counted as BLEU counts them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def shared(groups: Sequence[Sequence[Sequence[str]]], *, order: int) -> Integers:
    """How many n-grams of each text stand in another text of its group, ``[texts, order]``: of one word, of two, up to ``order``.

    A text is a list of words; its row is its place among all texts. An n-gram that a text holds c times counts at most as often as the
    *other* text that has it most. If this text has it most, that is the second largest count of the group; if not, this text's count is at
    most the second largest. Both are min(c, second largest), so one count of a group serves all its texts, where comparing each with the
    rest takes K times as long.

    Orders are worked through from below: an n-gram is the number of its first n-1 words' n-gram and its last word, and is looked at only
    where these n-1 words stand in another text too. What groups have in common does not count: their numbers begin with the group's own.
    """
    texts = [text for group in groups for text in group]
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    word, words = _numbered(texts)
    owner = np.repeat(np.arange(len(texts)), lengths)
    left = np.repeat(lengths.cumsum(), lengths) - np.arange(len(word))  # words from here to the end of the text
    before = np.repeat(np.arange(len(groups)), [len(group) for group in groups])[owner]
    found, at = np.zeros((len(texts), order), dtype=np.int64), np.arange(len(word))
    for n in range(order):
        at = at[left[at] > n]
        if not len(at):
            break
        key = before[at] * words + word[at + n]
        rank = np.argsort(key, kind="stable")  # positions rise with their texts, so the texts of an n-gram stand together
        at = at[rank]
        found[:, n], before[at], others = _clipped(key[rank], owner[at], len(texts))
        at = np.sort(at[others])
    return found


def _numbered(texts: Sequence[Sequence[str]]) -> tuple[Integers, int]:
    """The number of every word, one text after the other, and how many different ones there are."""
    numbers: dict[str, int] = {}
    found = [numbers.setdefault(word, len(numbers)) for word in chain.from_iterable(texts)]
    return np.array(found, dtype=np.int64), len(numbers)


def _clipped(key: Integers, owner: Integers, texts: int) -> tuple[Integers, Integers, npt.NDArray[np.bool_]]:
    """Of occurrences sorted by n-gram ``key`` and text: each text's clipped count ``[texts]``, the number of each occurrence's n-gram, and
    whether another text holds it."""
    new = np.diff(key, prepend=-1) != 0
    first = np.flatnonzero(new | (np.diff(owner, prepend=-1) != 0))  # of an n-gram in a text
    count = np.diff(first, append=len(key))
    gram = new.cumsum() - 1
    of, starts = gram[first], np.flatnonzero(new[first])
    largest = np.maximum.reduceat(count, starts)
    most = count == largest[of]
    rest = np.maximum.reduceat(np.where(most, 0, count), starts)
    second = np.where(np.add.reduceat(most.astype(np.int64), starts) > 1, largest, rest)
    clipped = np.bincount(owner[first], weights=np.minimum(count, second[of]), minlength=texts)
    return clipped.astype(np.int64), gram, (second > 0)[gram]
