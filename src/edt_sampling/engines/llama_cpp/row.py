"""A row of logits in float32: read, then tempered or drawn from; by compiled code where that is switched on, in NumPy otherwise.

One object serves a text's rows, one after the other.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from edt_sampling.policies import Fixed
from edt_sampling.sampling import contract, reference
from edt_sampling.sampling.contract import COLDEST
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.float32 import FAINTEST, HOTTEST
from edt_sampling.sampling.statistics import Statistics


class TemperedRow(Protocol):
    """A row whose logits are to be divided."""

    def read(self, logits: np.ndarray) -> Statistics | None:
        """The statistics of ``logits`` ``[candidates]``, at least one, float32 in one piece, which may be written to: arrays ``[1]``.

        None where the row holds NaN or +inf or nothing but -inf. What ``needs`` does not name and would take a pass is not computed.
        """
        ...

    def tempered(self, temperature: float) -> np.ndarray:
        """(logits - largest) / temperature; below ``COLDEST`` the first of the largest alone, and all others at -inf."""
        ...


class DrawnRow(Protocol):
    """A row that is to be drawn from."""

    def read(self, logits: np.ndarray) -> Statistics | None:
        """See ``TemperedRow.read``."""
        ...

    def drawn(self, temperature: float, *, uniform: float) -> tuple[int, float]:
        """The token that ``edt.draw`` draws at this temperature, and its probability."""
        ...


class NumpyRow:
    """A pass of NumPy's an operation, right to about 1e-6.

    The best candidate's weight, 1, is kept out of the sums, so that a small entropy keeps its digits.
    """

    def __init__(self, *, needs: frozenset[str]) -> None:
        self._needs = needs

    def read(self, logits: np.ndarray) -> Statistics | None:
        self._shifted, self._best = logits, int(logits.argmax())
        if not math.isfinite(logits[self._best]):
            return None
        self._shifted -= logits[self._best]
        return statistics(self._shifted, self._best, needs=self._needs)

    def tempered(self, temperature: float) -> np.ndarray:
        return divided(self._shifted, self._best, temperature)


class OracleRow:
    """The oracle's float64."""

    def __init__(self, *, needs: frozenset[str], filters: Filters) -> None:
        self._needs, self._filters = needs, filters

    def read(self, logits: np.ndarray) -> Statistics | None:
        self._logits = logits[None]
        return reference.statistics(self._logits, needs=self._needs) if math.isfinite(logits.max()) else None

    def drawn(self, temperature: float, *, uniform: float) -> tuple[int, float]:
        mixture = reference.mixture([Fixed(temperature=min(temperature, contract.HOTTEST))])
        found = reference.draw(self._logits, mixture, uniform=[uniform], filters=self._filters)
        return int(found.token[0]), float(found.probability[0])


def divided(shifted: np.ndarray, best: int, temperature: float) -> np.ndarray:
    """Logits less their maximum, which stands at ``best``, divided in place by the temperature."""
    if temperature < COLDEST:
        shifted[...] = -np.inf
        shifted[best] = 0.0
    else:
        shifted *= np.float32(1 / min(temperature, HOTTEST))
    return shifted


def statistics(shifted: np.ndarray, best: int, *, needs: frozenset[str]) -> Statistics:
    """The statistics of logits less their maximum, which stands at ``best``; NaN where they are not computed."""
    logs = np.maximum(shifted, FAINTEST)
    weights = np.exp(logs)
    weights[best] = 0
    others = float(weights.sum())
    total = 1 + others
    mean = float((weights * logs).sum()) / total
    support = np.count_nonzero(shifted > -np.inf) if "support" in needs else math.nan
    margin = (1 - float(weights.max())) / total if "margin" in needs else math.nan
    varentropy = (float((weights * (logs - mean) ** 2).sum()) + mean**2) / total if "varentropy" in needs else math.nan
    found = (max(math.log1p(others) - mean, 0.0), 1 / total, support, margin, varentropy)
    return Statistics(*(np.array([number], np.float64) for number in found))
