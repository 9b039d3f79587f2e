"""A policy at work on one text's logits, a step after the other, in float32 and in place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edt_sampling.policies import Policy, policy
from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import COLDEST, check_kept
from edt_sampling.sampling.float32 import FAINTEST
from edt_sampling.sampling.statistics import Kept, Statistics

KEEPS = frozenset({"first_entropy", "running_entropy"})
COLDEST_INVERSE = float(np.finfo(np.float32).tiny)
"""No smaller inverse temperature is multiplied with: by 0 a masked token would become NaN."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What was read at each step of a text, float64 ``[steps]``: ``entropy`` (nats) and ``temperature``; NaN for a row that was left as it
    came, because it holds NaN or +inf or no token at all."""

    entropy: np.ndarray
    temperature: np.ndarray


class Tempering:
    """Divides rows of logits by the temperature that a policy gives them, and remembers what the policy needs of the text.

    A step begins with ``apply`` and ends with ``accept``; a second ``apply`` before that does the step again.
    """

    def __init__(self, spec: str | Policy) -> None:
        self.policy = policy(spec)
        check_kept([self.policy], KEEPS, keeper="llama.cpp's sampler")
        self._mixture = reference.mixture([self.policy])
        self.reset()

    def reset(self) -> None:
        """Begins another text."""
        self._entropy: list[float] = []
        self._temperature: list[float] = []
        self._open = False

    def copy(self) -> Tempering:
        """The same policy at the same point of the same text, and on its own from here."""
        twin = Tempering(self.policy)
        twin._entropy, twin._temperature = self._entropy.copy(), self._temperature.copy()
        twin._open = self._open
        return twin

    @property
    def steps(self) -> Steps:
        """What was read so far, the step that is under way included."""
        return Steps(entropy=np.array(self._entropy), temperature=np.array(self._temperature))

    def accept(self) -> None:
        """Ends the step: its token is chosen."""
        self._open = False

    @np.errstate(over="ignore")
    def apply(self, logits: np.ndarray) -> None:
        """Tempers ``logits`` ``[candidates]``, float32 of any stride, in place.

        A row of one candidate, or none, keeps its numbers, and so does one that holds NaN or +inf or nothing but -inf. T below
        ``COLDEST`` leaves the first of the largest alone, and all others at -inf.
        """
        row = np.array(logits)
        best = float(row.max()) if row.size else math.nan
        if not math.isfinite(best):
            self._record(math.nan, math.nan)
            return
        shifted = np.subtract(row, best, out=row)
        read = statistics(shifted, needs=self._mixture.needs)
        entropy = float(read.entropy[0])
        temperature = float(reference.temperature_at(read, self._mixture, **self._kept(entropy))[0])
        self._record(entropy, temperature)
        if row.size > 1:
            _divide(shifted, temperature, out=logits)

    def _kept(self, entropy: float) -> Kept:
        """The text's statistics with this step's entropy as its latest; rows that were left as they came do not count."""
        if self._mixture.needs.isdisjoint(KEEPS):
            return {}
        before = self._entropy[:-1] if self._open else self._entropy
        read = [h for h in before if not math.isnan(h)] + [entropy]
        return {"first_entropy": read[:1], "running_entropy": [sum(read) / len(read)]}

    def _record(self, entropy: float, temperature: float) -> None:
        if self._open:
            self._entropy.pop()
            self._temperature.pop()
        self._entropy.append(entropy)
        self._temperature.append(temperature)
        self._open = True


def statistics(shifted: np.ndarray, *, needs: frozenset[str]) -> Statistics:
    """The statistics of one row of logits less their maximum, float32 ``[candidates]``; arrays ``[1]``, right to about 1e-6, NaN where
    they are not in ``needs`` and would take a pass of their own.

    The best candidate's weight, 1, is kept out of the sums, so that a small entropy keeps its digits.
    """
    logs = np.maximum(shifted, FAINTEST)
    weights = np.exp(logs)
    weights[shifted.argmax()] = 0
    others = float(weights.sum())
    total = 1 + others
    mean = float((weights * logs).sum()) / total
    support = np.count_nonzero(shifted > -np.inf) if "support" in needs else math.nan
    margin = (1 - float(weights.max())) / total if "margin" in needs else math.nan
    varentropy = (float((weights * (logs - mean) ** 2).sum()) + mean**2) / total if "varentropy" in needs else math.nan
    found = (max(math.log1p(others) - mean, 0.0), 1 / total, support, margin, varentropy)
    return Statistics(*(np.array([number], np.float64) for number in found))


def _divide(shifted: np.ndarray, temperature: float, *, out: np.ndarray) -> None:
    if temperature < COLDEST:
        at = int(shifted.argmax())
        out[...] = -np.inf
        out[at] = 0.0
    else:
        np.multiply(shifted, np.float32(max(1 / temperature, COLDEST_INVERSE)), out=out)
