"""ROUGE-L: the longest common subsequence of words with a reference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt
from rouge_score.scoring import fmeasure

from edt_sampling.metrics.cores import dealt
from edt_sampling.metrics.references import check_references
from edt_sampling.metrics.subsequence import Subsequence
from edt_sampling.metrics.words import words, words_signature

_WORDS = re.compile("[a-z0-9]+")  # what rouge_score keeps of a lower-cased text; the rest is white space to it
_LEAST = 25_000  # outputs for each process: a fresh one takes 0.3 s to start, as long as 7,000 outputs of 50 words, or 27,000 of ten
_READ = 1024  # references at hand; more would fill the memory in a long run
_STEMS = 1 << 16  # words whose stems are at hand


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
        threads: processes at once, where there are outputs enough for several (25,000 each); None: one a core.

    Source: Lin 2004, "ROUGE: a package for automatic evaluation of summaries"; google-research ``rouge_score``.
    """

    stem: bool = False
    tokenizer: Literal["ascii", "unicode"] = "ascii"
    _: KW_ONLY
    threads: int | None = None

    name: ClassVar[str] = "rouge_l"
    reads: ClassVar[str] = "references"
    asks: ClassVar[frozenset[str]] = frozenset({"threads"})
    """What the caller decides, and no recipe."""

    def __post_init__(self) -> None:
        if self.tokenizer not in ("ascii", "unicode"):
            raise ValueError(f"tokenizer must be 'ascii' or 'unicode', got {self.tokenizer!r}")
        if self.stem and self.tokenizer == "unicode":
            raise ValueError("stem must be false with tokenizer 'unicode': Porter's stems are of English")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads must be 1 or more, or None for one a core, got {self.threads}")

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
        return np.array(dealt(self._values, (outputs, references), least=_LEAST, threads=self.threads), dtype=np.float64)

    def _values(self, outputs: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
        """F1 of each output; references are read once, as long as their outputs stand together."""
        read = lru_cache(maxsize=_READ)(lambda text: Subsequence(self._words(text)))
        found: list[float] = []
        for output, texts in zip(outputs, references, strict=True):
            own = self._words(output)
            found.append(max(_f1(own, read(text)) for text in texts))
        return found

    def _words(self, text: str) -> list[str]:
        """As the signature says: rouge_score's in one pass, each of them stemmed by it once."""
        if self.tokenizer == "unicode":
            return words(text)
        found = _WORDS.findall(text.lower())
        return [_stemmed(word) for word in found] if self.stem else found

    def _check(self, text: str, name: str) -> None:
        if self.tokenizer == "unicode" and not words(text):
            raise ValueError(f"{name} must hold a letter or a digit, got {text[:40]!r}: ROUGE-L counts words; leave this reference out")
        if self.tokenizer == "ascii" and not _WORDS.search(text.lower()):
            raise ValueError(
                f"{name} must hold a word of a-z or 0-9, got {text[:40]!r}: ROUGE-L drops every other character and would score 0 for "
                f"any output; score this language with rouge_l:tokenizer=unicode, chrf or BLEU (bleu:tokenizer=zh for Chinese)"
            )


@lru_cache(maxsize=_STEMS)
def _stemmed(word: str) -> str:
    return "".join(_stemmer().tokenize(word))


@cache
def _stemmer() -> Any:
    from rouge_score.tokenizers import DefaultTokenizer  # here: it imports all of nltk, which takes a second

    return cast(Any, DefaultTokenizer)(use_stemmer=True)


def _f1(output: list[str], reference: Subsequence) -> float:
    """As rouge_score computes it, operation by operation, so that no bit differs."""
    if not output:
        return 0.0
    common = reference.common(output)
    return float(cast(Any, fmeasure)(common / len(output), common / reference.words))
