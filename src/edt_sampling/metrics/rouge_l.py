"""ROUGE-L: the longest common subsequence of words with a reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from rouge_score.rouge_scorer import RougeScorer

from edt_sampling.metrics.references import check_references

_WORD = re.compile("[a-z0-9]")  # what rouge_score keeps of a lower-cased text; the rest is white space to it


@dataclass(frozen=True)
class RougeL:
    """Sentence-level ROUGE-L F1 by ``rouge_score``, on 0..1; the best over an output's references.

    With ``lcs`` the number of words in the longest common subsequence::

        P = lcs / words in output      R = lcs / words in reference      F1 = 2 P R / (P + R)

    Words are lower-cased runs of a-z and 0-9; punctuation does not count, and neither does any other script:
    ``scores`` refuses a reference without a single such word, which would score 0 whatever the output.
    A text that mixes scripts is scored on its a-z0-9 words alone.

    Attributes:
        stem: cut words longer than three letters to their Porter stems first (English only).

    Source: Lin 2004, "ROUGE: a package for automatic evaluation of summaries"; google-research ``rouge_score``.
    """

    stem: bool = False

    name: ClassVar[str] = "rouge_l"
    reads: ClassVar[str] = "references"

    @property
    def signature(self) -> str:
        """For example ``rougeL|f1|stem:no|refs:max|version:rouge_score-0.1.2``."""
        return f"rougeL|f1|stem:{'yes' if self.stem else 'no'}|refs:max|version:rouge_score-{version('rouge_score')}"

    def scores(self, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        """F1 of each output, ``[outputs]``, float64; an output without a word scores 0.

        Raises:
            TypeError, ValueError: outputs and references do not line up (see ``check_references``).
            ValueError: a reference has no a-z0-9 word.
        """
        check_references(outputs, references)
        _check_script(references)
        return np.array([self._best(*pair) for pair in zip(outputs, references, strict=True)], dtype=np.float64)

    def _best(self, output: str, references: Sequence[str]) -> float:
        return float(self._scorer.score_multi(references, output)["rougeL"].fmeasure)

    @cached_property
    def _scorer(self) -> Any:
        return cast(Any, RougeScorer)(["rougeL"], use_stemmer=self.stem)


def _check_script(references: Sequence[Sequence[str]]) -> None:
    for i, texts in enumerate(references):
        for j, text in enumerate(texts):
            if not _WORD.search(text.lower()):
                raise ValueError(
                    f"references[{i}][{j}] must hold a word of a-z or 0-9, got {text[:40]!r}: ROUGE-L drops every other character "
                    f"and would score 0 for any output; score this language with BLEU (Bleu(tokenizer='zh') for Chinese) or chrF"
                )
