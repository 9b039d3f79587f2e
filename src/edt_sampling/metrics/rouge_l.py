"""ROUGE-L: the longest common subsequence of words with a reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from edt_sampling.metrics.references import check_references
from edt_sampling.metrics.words import words, words_signature

_WORD = re.compile("[a-z0-9]")  # what rouge_score keeps of a lower-cased text; the rest is white space to it


@dataclass(frozen=True)
class RougeL:
    """Sentence-level ROUGE-L F1 by ``rouge_score``, on 0..1; the best over an output's references.

    With ``lcs`` the number of words in the longest common subsequence::

        P = lcs / words in output      R = lcs / words in reference      F1 = 2 P R / (P + R)

    Words are rouge_score's by default: lower-cased runs of a-z and 0-9. Punctuation does not count, and neither does any other
    letter: "été" is the word "t", and a text that mixes scripts is scored on its a-z0-9 words alone. ``tokenizer="unicode"`` takes
    the words of any script, each letter one where a script writes no spaces (see ``words``); on ASCII text the two agree.
    ``scores`` refuses a reference without a single word, which would score 0 whatever the output.

    Attributes:
        stem: cut words longer than three letters to their Porter stems first (English only).
        tokenizer: ``ascii``, rouge_score's own, or ``unicode``.

    Source: Lin 2004, "ROUGE: a package for automatic evaluation of summaries"; google-research ``rouge_score``.
    """

    stem: bool = False
    tokenizer: Literal["ascii", "unicode"] = "ascii"

    name: ClassVar[str] = "rouge_l"
    reads: ClassVar[str] = "references"

    def __post_init__(self) -> None:
        if self.tokenizer not in ("ascii", "unicode"):
            raise ValueError(f"tokenizer must be 'ascii' or 'unicode', got {self.tokenizer!r}")
        if self.stem and self.tokenizer == "unicode":
            raise ValueError("stem must be false with tokenizer 'unicode': Porter's stems are of English")

    @property
    def signature(self) -> str:
        """For example ``rougeL|f1|stem:no|refs:max|version:rouge_score-0.1.2``, with ``tok:`` before ``refs`` where it is unicode."""
        stem = "stem:yes" if self.stem else "stem:no"
        tokenizer = f"|tok:{words_signature()}" if self.tokenizer == "unicode" else ""
        return f"rougeL|f1|{stem}{tokenizer}|refs:max|version:rouge_score-{version('rouge_score')}"

    def scores(self, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
        """F1 of each output, ``[outputs]``, float64; an output without a word scores 0.

        Raises:
            TypeError, ValueError: outputs and references do not line up (see ``check_references``).
            ValueError: a reference has no word.
        """
        check_references(outputs, references)
        for i, texts in enumerate(references):
            for j, text in enumerate(texts):
                self._check(text, f"references[{i}][{j}]")
        return np.array([self._best(*pair) for pair in zip(outputs, references, strict=True)], dtype=np.float64)

    def _best(self, output: str, references: Sequence[str]) -> float:
        return float(self._scorer.score_multi(references, output)["rougeL"].fmeasure)

    @cached_property
    def _scorer(self) -> Any:
        tokenizer = _AnyScript() if self.tokenizer == "unicode" else None
        return cast(Any, RougeScorer)(["rougeL"], use_stemmer=self.stem, tokenizer=tokenizer)

    def _check(self, text: str, name: str) -> None:
        if self.tokenizer == "unicode" and not words(text):
            raise ValueError(f"{name} must hold a letter or a digit, got {text[:40]!r}: ROUGE-L counts words; leave this reference out")
        if self.tokenizer == "ascii" and not _WORD.search(text.lower()):
            raise ValueError(
                f"{name} must hold a word of a-z or 0-9, got {text[:40]!r}: ROUGE-L drops every other character and would score 0 for "
                f"any output; score this language with rouge_l:tokenizer=unicode, chrf or BLEU (bleu:tokenizer=zh for Chinese)"
            )


class _AnyScript(Tokenizer):
    """What rouge_score takes for a tokenizer."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)
