"""The random numbers of one text, counted: the same for a seed, a request, a sample and a draw, whatever was drawn elsewhere."""

from __future__ import annotations

import secrets

from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.sampling.philox import uniforms

RANDOM = llama_cpp.LLAMA_DEFAULT_SEED
"""The seed at which llama.cpp, and we too, take one of our own."""
AHEAD = 64
"""So many numbers are made at first, and twice as many whenever they run out."""


class Counted:
    """Numbers in (0, 1), those of ``edt.uniforms(seed, request, sample, steps)`` in their order, one a draw.

    Raises ValueError for a seed, a request or a sample that ``uniforms`` refuses.
    """

    def __init__(self, *, seed: int = RANDOM, request: int = 0, sample: int = 0) -> None:
        self._given, self._request, self._sample = seed, request, sample
        self.reset()

    def reset(self) -> None:
        """Begins another text: the same numbers again, or others where the seed is ``RANDOM``."""
        self._seed = secrets.randbits(64) if self._given == RANDOM else self._given
        self._drawn, self._ahead = 0, self._first(AHEAD)

    def copy(self) -> Counted:
        """The same numbers from here on, drawn apart."""
        twin = Counted(seed=self._given, request=self._request, sample=self._sample)
        twin._seed, twin._drawn, twin._ahead = self._seed, self._drawn, self._ahead
        return twin

    def draw(self) -> float:
        """The next number."""
        if self._drawn == len(self._ahead):
            self._ahead = self._first(2 * self._drawn)
        self._drawn += 1
        return self._ahead[self._drawn - 1]

    def _first(self, count: int) -> list[float]:
        return uniforms(self._seed, self._request, self._sample, count).tolist()
