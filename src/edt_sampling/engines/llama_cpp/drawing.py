"""A policy at work on one text's candidates that draws, too: in the place of llama.cpp's temperature, truncation and draw."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Self

import numpy as np

from edt_sampling.engines.llama_cpp.candidates import InOrder, view
from edt_sampling.engines.llama_cpp.counted import Counted
from edt_sampling.engines.llama_cpp.row import DrawnRow, OracleRow
from edt_sampling.engines.llama_cpp.text import Text
from edt_sampling.policies import Policy
from edt_sampling.sampling.contract import unusable_rows
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.float32 import knows, on


class Drawing(Text):
    """Draws the token that ``edt.draw`` draws from the candidates' logits, in the order of the tokens' numbers wherever they stand.

    Every draw takes the next of the ``numbers``, that of a step which is done again too: who draws again has refused the token before, and
    the same number would draw from its neighbours alone.
    """

    draws = True

    def __init__(self, spec: str | Policy, *, filters: Filters, numbers: Counted) -> None:
        check_behind(filters)
        self._filters, self._numbers = filters, numbers
        super().__init__(spec)
        self._row, self._in_order = _row(self.policy.needs, filters), InOrder()

    def reset(self) -> None:
        super().reset()
        self._numbers.reset()

    def act(self, candidates: Any) -> None:
        """Sets ``selected`` of a ``llama_token_data_array``, and the ``p`` of the token there; logits and order stay as they are.

        Among no candidates none is selected. Raises ValueError for a row that holds NaN or +inf or nothing but -inf.
        """
        records = view(candidates)
        if records.size:
            logits, order = self._in_order.read(records)
            place, probability = self._draw(logits)
            candidates.selected = place if order is None else int(order[place])
            records["p"][candidates.selected] = probability

    def _fresh(self) -> Self:
        twin = type(self)(self.policy, filters=self._filters, numbers=Counted(seed=0))
        twin._numbers = self._numbers.copy()
        return twin

    def _draw(self, logits: np.ndarray) -> tuple[int, float]:
        """The place of the token drawn from logits ``[candidates]``, and its probability."""
        read = self._row.read(logits)
        if read is None:
            raise ValueError(unusable_rows([float(logits.max())]))
        return self._row.drawn(self._step(read), uniform=self._numbers.draw())


def _row(needs: frozenset[str], filters: Filters) -> DrawnRow:
    """The fast kind where numba is installed, not switched off, and knows these filters; the oracle otherwise."""
    fast = on("numba") and knows(filters)
    kind = import_module("edt_sampling.engines.llama_cpp.compiled_row").CompiledRow if fast else OracleRow
    return kind(needs=needs, filters=filters)


def check_behind(filters: Filters) -> None:
    """Refuse filters that a sampler of ours cannot apply while it draws."""
    if filters.before:
        raise ValueError(f"filters: a sampler that draws truncates behind the temperature: put llama.cpp's own in front, got {filters}")
    if filters.mirostat:
        raise ValueError(f"filters: mirostat draws by itself in llama.cpp: use its own sampler behind a PolicySampler, got {filters}")
