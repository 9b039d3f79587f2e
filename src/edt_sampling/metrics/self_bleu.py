"""Self-BLEU: how much the outputs of one prompt repeat each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from importlib.metadata import version
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.helpers import extract_all_word_ngrams

from edt_sampling.metrics.bleu import check_tokenizer
from edt_sampling.metrics.groups import check_groups, check_k

_Ngrams = Mapping[tuple[str, ...], int]


class _Text(NamedTuple):
    """What BLEU needs to know of a text: its n-grams of every order, and its number of words."""

    ngrams: _Ngrams
    length: int


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
        """Self-BLEU of each group of ``k`` outputs, ``[groups]``, float64; 2,500 groups of five short texts take two seconds.

        Raises:
            TypeError, ValueError: a group is not a list of ``k`` strings (see ``check_groups``).
        """
        check_groups(groups, self.k)
        return np.array([self._group(group) for group in groups], dtype=np.float64)

    def _group(self, outputs: Sequence[str]) -> float:
        known = {output: self._read(output) for output in set(outputs)}
        limits = _second_largest(known[output].ngrams for output in outputs)
        lengths = [known[output].length for output in outputs]
        values = {output: self._against_others(text, limits, lengths) for output, text in known.items()}
        return sum(values[output] for output in outputs) / self.k

    def _read(self, output: str) -> _Text:
        return _Text(*extract_all_word_ngrams(self._bleu.tokenizer(output.rstrip()), 1, self.order))

    def _against_others(self, text: _Text, limits: _Ngrams, lengths: Sequence[int]) -> float:
        others = list(lengths)
        others.remove(text.length)
        if not text.length:
            return float(0 in others)
        matches = [0] * self.order
        for ngram, count in text.ngrams.items():
            if ngram in limits:
                matches[len(ngram) - 1] += min(count, limits[ngram])
        bleu = BLEU.compute_bleu(
            correct=matches,
            total=[max(text.length - n, 0) for n in range(self.order)],
            sys_len=text.length,
            ref_len=min(others, key=lambda length: (abs(length - text.length), length)),
            smooth_method=self.smoothing,
            effective_order=True,
            max_ngram_order=self.order,
        )
        return min(bleu.score / 100, 1.0)

    @cached_property
    def _bleu(self) -> BLEU:
        return BLEU(tokenize=self.tokenizer)


def _second_largest(texts: Iterable[_Ngrams]) -> _Ngrams:
    """The second largest count of each n-gram over the group's texts; without the n-grams that only one text has.

    BLEU counts a text's n-gram at most as often as the *other* text that has it most. If this text has it most, that is
    the second largest count; if not, this text's count is at most the second largest. Both are min(count, second largest),
    so one pass over a group serves all its texts, where comparing each with the rest takes K times as long.
    """
    largest: dict[tuple[str, ...], int] = {}
    second: dict[tuple[str, ...], int] = {}
    for ngrams in texts:
        for ngram, count in ngrams.items():
            if ngram not in largest:
                largest[ngram] = count
            else:
                second[ngram] = max(second.get(ngram, 0), min(count, largest[ngram]))
                largest[ngram] = max(count, largest[ngram])
    return second
