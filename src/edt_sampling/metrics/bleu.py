"""BLEU against references, of each output and of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import zip_longest
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU

from edt_sampling.metrics.references import check_references


@dataclass(frozen=True)
class Bleu:
    """BLEU-4 by ``sacrebleu``, on 0..1: multiply by 100 to compare with published numbers.

    ::

        BLEU = min(1, exp(1 - r / c)) * (p1 p2 p3 p4) ** (1/4)      c, r: words in the output, in the reference nearest in length

    with p_n the share of the output's n-grams that stand in a reference, each counted at most as often as in one of them.
    Several references count together, so more of them give higher values: compare at equal numbers of references.

    * ``scores``, an output: effective order (n goes as far as the output has n-grams), and an order without a match
      gets 1/2, 1/4, ... of a match (``exp``). An output without any match, or without words, scores 0.
    * ``corpus``, all outputs: counts summed before the formula, ``sacrebleu``'s defaults, the number that papers print.
      It is not the mean of ``scores``.

    Attributes:
        tokenizer: one of ``sacrebleu``'s: ``13a`` for most languages, ``zh`` for Chinese, ``char``, ``intl``, ``none``, ...

    Source: Papineni et al. 2002; Post 2018, "A call for clarity in reporting BLEU scores".
    """

    tokenizer: str = "13a"

    name: ClassVar[str] = "bleu"
    reads: ClassVar[str] = "references"

    def __post_init__(self) -> None:
        check_tokenizer(self.tokenizer)

    @property
    def signature(self) -> str:
        """Of ``scores``; for example ``bleu|refs:all|case:mixed|eff:yes|tok:13a|smooth:exp|version:sacrebleu-2.6.0``."""
        return _signature(self._sentence)

    @property
    def corpus_signature(self) -> str:
        """Of ``corpus``: as ``signature``, with ``eff:no``."""
        return _signature(self._corpus)

    def scores(self, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        """Sentence BLEU of each output, ``[outputs]``, float64.

        Raises:
            TypeError, ValueError: outputs and references do not line up (see ``check_references``).
        """
        check_references(outputs, references)
        pairs = zip(outputs, references, strict=True)
        percent = [self._sentence.sentence_score(output, texts).score for output, texts in pairs]
        return np.minimum(np.array(percent, dtype=np.float64) / 100, 1.0)  # sacrebleu's perfect score is 100.00000000000004

    def corpus(self, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> float:
        """Corpus BLEU of all outputs together; the number of references may differ between them.

        Raises:
            TypeError, ValueError: outputs and references do not line up, or there are no outputs.
        """
        check_references(outputs, references)
        if not outputs:
            raise ValueError("outputs must hold at least one text, got none: BLEU of an empty corpus is undefined")
        # sacrebleu wants the first reference of all, then the second of all, ..., None where an output has fewer.
        streams = [list(stream) for stream in zip_longest(*references)]
        return min(self._corpus.corpus_score(outputs, streams).score / 100, 1.0)

    @cached_property
    def _sentence(self) -> BLEU:
        return BLEU(tokenize=self.tokenizer, effective_order=True)

    @cached_property
    def _corpus(self) -> BLEU:
        return BLEU(tokenize=self.tokenizer)


def check_tokenizer(tokenizer: str) -> None:
    """Nothing, if ``sacrebleu`` has a tokenizer of this name; else a ValueError that lists them."""
    if tokenizer not in BLEU.TOKENIZERS:
        raise ValueError(f"tokenizer must be one of {', '.join(BLEU.TOKENIZERS)}, got {tokenizer!r}")


def _signature(bleu: BLEU) -> str:
    effective = "yes" if bleu.effective_order else "no"
    return (
        f"bleu|refs:all|case:mixed|eff:{effective}|tok:{bleu.tokenizer_signature}|smooth:{bleu.smooth_method}"
        f"|version:sacrebleu-{version('sacrebleu')}"
    )
