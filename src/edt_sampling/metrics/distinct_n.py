"""Distinct-n: the share of different n-grams among all that a prompt's outputs hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from edt_sampling.metrics.groups import check_groups, check_k
from edt_sampling.metrics.words import words, words_signature

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class DistinctN:
    """Different n-grams / all n-grams of a prompt's K outputs, on 0..1: 1 = none repeated, higher = more diverse.

    N-grams do not cross from one output to the next. It falls as K and text length grow, whatever the model: compare at equal
    ``signature``, and look at ``length`` too.

    A group without any n-gram (all its outputs shorter than ``n`` words) is 0/0: **nan**, not a 0 or 1 that would pull a mean.
    Average with ``np.nanmean`` and say how many groups that left out.

    Attributes:
        n: words in an n-gram, at least 1.
        k: outputs in each group, at least 1.
        tokenizer: ``word``, lower-cased runs of letters, digits and underscores without marks (a word of Hindi falls into pieces, a
            clause of Chinese is one word), or ``unicode``, words of any script, each letter one where a script writes no spaces.

    Source: Li et al. 2016, "A diversity-promoting objective function for neural conversation models".
    """

    n: int = 2
    _: KW_ONLY
    k: int = 5
    tokenizer: Literal["word", "unicode"] = "word"

    reads: ClassVar[str] = "groups"

    def __post_init__(self) -> None:
        check_k(self.k, least=1)
        if self.n < 1:
            raise ValueError(f"n must be 1 or more, got {self.n}")
        if self.tokenizer not in ("word", "unicode"):
            raise ValueError(f"tokenizer must be 'word' or 'unicode', got {self.tokenizer!r}")

    @property
    def name(self) -> str:
        """``distinct_2`` for n = 2: two of these metrics are two columns."""
        return f"distinct_{self.n}"

    @property
    def signature(self) -> str:
        """For example ``distinct|n:2|k:5|case:lower|tok:\\w+|empty:nan``."""
        tokenizer = _WORD.pattern if self.tokenizer == "word" else words_signature()
        return f"distinct|n:{self.n}|k:{self.k}|case:lower|tok:{tokenizer}|empty:nan"

    def scores(self, groups: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        """Distinct-n of each group of ``k`` outputs, ``[groups]``, float64, nan where a group has no n-gram.

        Raises:
            TypeError, ValueError: a group is not a list of ``k`` strings (see ``check_groups``).
        """
        check_groups(groups, self.k)
        return np.array([self._group(group) for group in groups], dtype=np.float64)

    def _group(self, outputs: Sequence[str]) -> float:
        ngrams = [ngram for output in outputs for ngram in self._ngrams(output)]
        return len(set(ngrams)) / len(ngrams) if ngrams else float("nan")

    def _ngrams(self, output: str) -> Iterator[tuple[str, ...]]:
        found = _WORD.findall(output.lower()) if self.tokenizer == "word" else words(output)
        return zip(*(found[start:] for start in range(self.n)), strict=False)
