"""Self-BLEU: how much the outputs of one prompt repeat each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU

from edt_sampling.metrics.bleu import check_tokenizer
from edt_sampling.metrics.groups import check_groups, check_k
from edt_sampling.metrics.shared_ngrams import shared
from edt_sampling.metrics.tokens_13a import tokens_13a

_AT_ONCE = 512  # texts; their n-grams are sorted in the processor's cache


@dataclass(frozen=True)
class SelfBleu:
    """Mean sentence BLEU of each of a prompt's K outputs against its other K-1, on 0..1: 1 = all the same, lower = more diverse.

    It grows with K, with text length and as the order falls, whatever the model: compare at equal ``signature`` only.
    Each BLEU equals ``sacrebleu``'s ``sentence_score`` to the last bit, except for the two cases that it leaves odd:

    * Texts without words: two are identical and score 1 (``sacrebleu``: 0), so an output without words scores 1 if another
      has none either, else 0. A model that says nothing K times is not diverse.
    * A perfect score is 1, not ``sacrebleu``'s 1 + 4e-16.

    Attributes:
        k: outputs in each group, at least 2.
        order: longest n-gram counted; effective order, so short texts are scored on the n-grams they have.
        smoothing: ``exp``, ``floor``, ``add-k`` or ``none``, with ``sacrebleu``'s constants.
        tokenizer: one of ``sacrebleu``'s, as for ``Bleu``.

    Source: Zhu et al. 2018, "Texygen"; BLEU as in ``Bleu``.
    """

    k: int = 5
    _: KW_ONLY
    order: int = 4
    smoothing: str = "exp"
    tokenizer: str = "13a"

    name: ClassVar[str] = "self_bleu"
    reads: ClassVar[str] = "groups"

    def __post_init__(self) -> None:
        check_k(self.k, least=2)
        check_tokenizer(self.tokenizer)
        if self.order < 1:
            raise ValueError(f"order must be 1 or more, got {self.order}")
        if self.smoothing not in BLEU.SMOOTH_DEFAULTS:
            raise ValueError(f"smoothing must be one of {', '.join(BLEU.SMOOTH_DEFAULTS)}, got {self.smoothing!r}")

    @property
    def signature(self) -> str:
        """For example ``selfBLEU|k:5|order:4|case:mixed|eff:yes|tok:13a|smooth:exp|empty:1|version:sacrebleu-2.6.0``."""
        return (
            f"selfBLEU|k:{self.k}|order:{self.order}|case:mixed|eff:yes|tok:{self._bleu.tokenizer_signature}"
            f"|smooth:{self.smoothing}|empty:1|version:sacrebleu-{version('sacrebleu')}"
        )

    def scores(self, groups: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        """Self-BLEU of each group of ``k`` outputs, ``[groups]``, float64.

        Raises:
            TypeError, ValueError: a group is not a list of ``k`` strings (see ``check_groups``).
        """
        check_groups(groups, self.k)
        found: list[float] = []
        step = max(1, _AT_ONCE // self.k)
        for start in range(0, len(groups), step):
            found += self._of_groups([[self._words(output) for output in group] for group in groups[start : start + step]])
        return np.array(found, dtype=np.float64)

    def _words(self, output: str) -> list[str]:
        text = output.rstrip()
        return tokens_13a(text) if self.tokenizer == "13a" else self._bleu.tokenizer(text).split()

    def _of_groups(self, groups: Sequence[Sequence[list[str]]]) -> Iterator[float]:
        """The mean of each group's BLEUs."""
        lengths = np.array([[len(text) for text in group] for group in groups], dtype=np.int64)
        columns = shared(groups, order=self.order).tolist(), lengths.ravel().tolist(), _nearest(lengths).ravel().tolist()
        known: dict[tuple[Any, ...], float] = {}
        values = [self._bleu_of(known, tuple(matches), length, other) for matches, length, other in zip(*columns, strict=True)]
        for start in range(0, len(values), self.k):
            yield sum(values[start : start + self.k]) / self.k

    def _bleu_of(self, known: dict[tuple[Any, ...], float], matches: tuple[int, ...], length: int, other: int) -> float:
        """The BLEU of a text of this length with these matches, where ``other`` is the nearest length; computed once for equal ones."""
        key = (matches, length, other)
        if key not in known:
            known[key] = self._computed(*key) if length else float(not other)
        return known[key]

    def _computed(self, matches: Sequence[int], length: int, other: int) -> float:
        bleu = BLEU.compute_bleu(
            correct=list(matches),
            total=[max(length - n, 0) for n in range(self.order)],
            sys_len=length,
            ref_len=other,
            smooth_method=self.smoothing,
            effective_order=True,
            max_ngram_order=self.order,
        )
        return min(bleu.score / 100, 1.0)

    @cached_property
    def _bleu(self) -> BLEU:
        return BLEU(tokenize=self.tokenizer)


def _nearest(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each text of each group, ``[groups, k]``, the length of the other text that is nearest to its own, the shorter of two."""
    base = int(lengths.max()) + 1
    other = lengths[:, None, :]
    order = np.abs(other - lengths[:, :, None]) * base + other
    own = np.arange(lengths.shape[1])
    order[:, own, own] = base * base
    return order.min(axis=2) % base
