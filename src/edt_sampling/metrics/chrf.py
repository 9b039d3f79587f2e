"""chrF: n-grams of characters shared with a reference, for any language and script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.chrf import CHRF

from edt_sampling.metrics.references import check_references


@dataclass(frozen=True)
class Chrf:
    """chrF by ``sacrebleu``, on 0..1; the best over an output's references. Multiply by 100 to compare with published numbers.

    With P and R the shares of the output's and the reference's n-grams that the other has, averaged over n = 1..6::

        chrF = (1 + beta ** 2) P R / (beta ** 2 P + R)      beta = 2: recall counts twice as much

    N-grams are of characters, white space left out, case kept: no tokenizer, so it reads every script alike. In a script whose
    characters are words or syllables (Chinese) an n-gram is a longer stretch of text than in Latin: do not compare languages by it.

    Attributes:
        word_order: longest n-gram of words that counts too; 0 is chrF, 2 is chrF++.
        beta: how many times as much recall counts as precision, at least 1.

    Source: Popovic 2015, "chrF: character n-gram F-score for automatic MT evaluation"; Popovic 2017 for chrF++.
    """

    word_order: int = 0
    beta: int = 2

    name: ClassVar[str] = "chrf"
    reads: ClassVar[str] = "references"

    def __post_init__(self) -> None:
        if self.word_order < 0:
            raise ValueError(f"word_order must be 0 or more, got {self.word_order}")
        if self.beta < 1:
            raise ValueError(f"beta must be 1 or more, got {self.beta}")

    @property
    def signature(self) -> str:
        """For example ``chrF2|refs:max|case:mixed|eff:yes|nc:6|nw:0|space:no|version:sacrebleu-2.6.0``."""
        return (
            f"chrF{self.beta}|refs:max|case:mixed|eff:yes|nc:{self._chrf.char_order}|nw:{self.word_order}|space:no"
            f"|version:sacrebleu-{version('sacrebleu')}"
        )

    def scores(self, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        """chrF of each output, ``[outputs]``, float64; an output without characters scores 0.

        Raises:
            TypeError, ValueError: outputs and references do not line up (see ``check_references``).
        """
        check_references(outputs, references)
        percent = [self._chrf.sentence_score(*pair).score for pair in zip(outputs, references, strict=True)]
        return np.minimum(np.array(percent, dtype=np.float64) / 100, 1.0)

    @cached_property
    def _chrf(self) -> CHRF:
        return CHRF(word_order=self.word_order, beta=self.beta)
