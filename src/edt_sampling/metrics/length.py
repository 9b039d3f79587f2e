"""Length: how much text an output is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Length:
    """Words or characters of each output; a count, 0 upwards, the one text metric that is not on 0..1.

    BLEU, Self-BLEU and distinct-n all move with length, so a setting that merely writes more or less looks better or worse
    on them: print this beside them.

    Attributes:
        unit: ``words``, runs of anything but white space, or ``characters``, code points without white space
            (for scripts that write no spaces).
    """

    unit: Literal["words", "characters"] = "words"

    name: ClassVar[str] = "length"
    reads: ClassVar[str] = "outputs"

    def __post_init__(self) -> None:
        if self.unit not in ("words", "characters"):
            raise ValueError(f"unit must be 'words' or 'characters', got {self.unit!r}")

    @property
    def signature(self) -> str:
        """For example ``length|unit:words``."""
        return f"length|unit:{self.unit}"

    def scores(self, outputs: Sequence[str]) -> npt.NDArray[np.float64]:
        """Length of each output, ``[outputs]``, float64; 0 for an output of white space only.

        Raises:
            TypeError: ``outputs`` is a string (Python would take it for a list of letters).
        """
        if isinstance(outputs, str):
            raise TypeError(f"outputs must be a list of strings, got the string {outputs[:40]!r}; write [output]")
        return np.array([self._length(output) for output in outputs], dtype=np.float64)

    def _length(self, output: str) -> int:
        words = output.split()
        return len(words) if self.unit == "words" else sum(map(len, words))
