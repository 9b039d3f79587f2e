"""A policy at one text's steps: what it has read so far, and what it needs to know of that."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from edt_sampling.policies import Policy, policy
from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import check_kept, undefined_temperature
from edt_sampling.sampling.statistics import Statistics

KEEPS = frozenset({"first_entropy", "running_entropy"})


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What was read at each step of a text, float64 ``[steps]``: ``entropy`` (nats) and ``temperature``; NaN for a row that was left as it
    came, because it holds NaN or +inf or no token at all."""

    entropy: np.ndarray
    temperature: np.ndarray


class Text(ABC):
    """A step begins with ``act`` and ends with ``accept``; a second ``act`` before that does the step again.

    ``draws`` says whether ``act`` selects a token.
    """

    draws: ClassVar[bool]

    def __init__(self, spec: str | Policy) -> None:
        self.policy = policy(spec)
        check_kept([self.policy], KEEPS, keeper="llama.cpp's sampler")
        self._mixture = reference.mixture([self.policy])
        self._keeps = not self.policy.needs.isdisjoint(KEEPS)
        self.reset()

    @abstractmethod
    def act(self, candidates: Any) -> None:
        """Does the step on a ``llama_token_data_array``."""

    def accept(self) -> None:
        """Ends the step: its token is chosen."""
        self._open = False

    def reset(self) -> None:
        """Begins another text."""
        self._entropy: list[float] = []
        self._temperature: list[float] = []
        self._open = False

    def copy(self) -> Self:
        """The same policy at the same point of the same text, and on its own from here."""
        twin = self._fresh()
        twin._entropy, twin._temperature = self._entropy.copy(), self._temperature.copy()
        twin._open = self._open
        return twin

    @property
    def steps(self) -> Steps:
        """What was read so far, the step that is under way included."""
        return Steps(entropy=np.array(self._entropy), temperature=np.array(self._temperature))

    @abstractmethod
    def _fresh(self) -> Self:
        """The same policy at the beginning of a text."""

    @np.errstate(over="ignore")
    def _step(self, read: Statistics) -> float:
        """The temperature at this step's statistics, and a record of the step.

        Raises ValueError where the policy's formula is undefined there.
        """
        entropy = float(read.entropy[0])
        statistics = replace(read, **self._kept(entropy)) if self._keeps else read
        temperature = float(self._mixture.temperature(statistics)[0])
        if math.isnan(temperature):
            raise ValueError(undefined_temperature(self._mixture, [True]))
        self._record(entropy, temperature)
        return temperature

    def _kept(self, entropy: float) -> dict[str, np.ndarray]:
        """The text's statistics with this step's entropy as its latest; rows that were left as they came do not count."""
        before = self._entropy[:-1] if self._open else self._entropy
        read = [h for h in before if not math.isnan(h)] + [entropy]
        return {"first_entropy": np.array(read[:1]), "running_entropy": np.array([sum(read) / len(read)])}

    def _record(self, entropy: float, temperature: float) -> None:
        if self._open:
            self._entropy.pop()
            self._temperature.pop()
        self._entropy.append(entropy)
        self._temperature.append(temperature)
        self._open = True
