"""The length of the longest common subsequence of words, a whole row of its table at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Subsequence:
    """One text, ready to be compared with many.

    In the usual table of the lengths for every two beginnings, neighbours of a row differ by 0 or 1: a row is the bits of one number, here
    1 where the length does *not* rise, and the next word moves all of it by an addition.

    Source: Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = len(words)
        self._places: dict[str, int] = {}
        for place, word in enumerate(words):
            self._places[word] = self._places.get(word, 0) | 1 << place

    def common(self, words: Iterable[str]) -> int:
        """The length of the longest common subsequence with these words."""
        every = row = (1 << self.words) - 1
        for places in map(self._places.get, words):
            if places:
                met = row & places
                row = (row + met) | (row - met)
        return self.words - (row & every).bit_count()
