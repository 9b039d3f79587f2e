"""What engines take and give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from edt_sampling.policies import Policy
from edt_sampling.sampling.filters import Filters

Finish = Literal["end", "stop", "length"]
Messages = Sequence[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One way to decode: a policy and the filters around it."""

    policy: Policy
    filters: Filters = field(default_factory=Filters)

    def __str__(self) -> str:
        return f"{self.policy} | {self.filters}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt with everything that is to be decoded from it: ``settings`` x ``samples`` rows over one prefix.

    ``id`` and ``seed`` are the key of its random numbers: the same request draws the same numbers wherever and beside
    whatever it runs, and sample k of every setting draws the same ones, so that settings are paired.
    ``prompt`` is text, or chat messages for the model's chat template.
    """

    id: int
    prompt: str | Messages
    settings: tuple[Setting, ...]
    samples: int = 1
    seed: int = 0
    max_new_tokens: int = 64
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt:
            raise ValueError("prompt must not be empty: give text or chat messages")
        if not self.settings:
            raise ValueError("settings must hold at least one policy")
        for name in ("samples", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        if any(not s for s in self.stop):
            raise ValueError("stop must not hold an empty string: it would end every text at once")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What happened at each generated token, arrays ``[tokens]``.

    ``entropy`` (nats) of the distribution that the policy read, ``temperature``, and ``probability`` of the token
    drawn, after temperature and filters.
    """

    tokens: np.ndarray
    entropy: np.ndarray
    temperature: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One generated text. ``finish`` says what ended it: the model's ``end`` token, a ``stop`` string, or the ``length``."""

    request: int
    setting: int
    sample: int
    text: str
    finish: Finish
    trace: Trace


class Engine(Protocol):
    """Where text is generated. ``fingerprint`` changes with the model's weights."""

    fingerprint: str

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """For each request in turn, its completions, settings in order and samples within them."""
        ...

    def check(self, request: Request) -> None:
        """Raises ValueError, before anything is generated, for a request that this engine cannot run."""
        ...

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """What each generated token adds to the text."""
        ...

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know: engine, versions, model, device, dtype, threads."""
        ...
