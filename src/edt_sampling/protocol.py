"""What engines take and give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    ``prompt`` is text, or chat messages for the model's chat template; ``without`` is the same without its evidence (the document, the
    passage), for policies that compare the model with and without it, and None where there is none. ``schedules`` holds, for each setting
    (by its number) whose policy reads the scheduled temperature, and for no other, temperatures ``[samples, max_new_tokens]``; they
    do not take part in ``==``.
    """

    id: int
    prompt: str | Messages
    without: str | Messages | None = None
    settings: tuple[Setting, ...]
    samples: int = 1
    seed: int = 0
    max_new_tokens: int = 64
    stop: tuple[str, ...] = ()
    schedules: Mapping[int, np.ndarray] = field(default_factory=dict[int, np.ndarray], compare=False)

    def __post_init__(self) -> None:
        if not self.prompt:
            raise ValueError("prompt must not be empty: give text or chat messages")
        if self.without is not None and not self.without:
            raise ValueError("without, the prompt without its evidence, must not be empty: leave it out, or keep the instruction in it")
        if not self.settings:
            raise ValueError("settings must hold at least one policy")
        for name in ("samples", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        if any(not s for s in self.stop):
            raise ValueError("stop must not hold an empty string: it would end every text at once")
        scheduled = {number for number, setting in enumerate(self.settings) if "scheduled" in setting.policy.needs}
        for number in sorted(scheduled | self.schedules.keys()):
            self._check_schedule(number, number in scheduled)

    def _check_schedule(self, number: int, wanted: bool) -> None:
        shape = (self.samples, self.max_new_tokens)
        if not wanted:
            raise ValueError(f"schedules must hold settings whose policy is scheduled and no others, got setting {number}")
        if number not in self.schedules:
            policy = self.settings[number].policy.name
            raise ValueError(
                f"policy {policy} of setting {number} needs schedules[{number}], temperatures [samples, max_new_tokens] = {shape}"
            )
        given = np.asarray(self.schedules[number], dtype=np.float64)
        if given.shape != shape:
            raise ValueError(f"schedules[{number}] must be [samples, max_new_tokens] = {shape}, got shape {given.shape}")
        wrong = np.argwhere(~(np.isfinite(given) & (given >= 0)))
        if len(wrong):
            place, found = wrong[0].tolist(), given[tuple(wrong[0])]
            raise ValueError(f"schedules[{number}] must hold finite temperatures >= 0, got {found} at [sample, token] = {place}")


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


@dataclass(frozen=True, kw_only=True)
class Forced:
    """What each setting makes of a given text: every token of it, its end included, given the prompt and the text before it.

    ``tokens`` ``[tokens]``; the rest ``[settings, tokens]``, float64: ``entropy`` (nats) of the distribution that the policy
    read, ``temperature``, ``tempered_entropy`` (nats) of softmax(logits / T) before truncation, and ``nll`` (nats) of the
    token under softmax(logits / T) before truncation. In these two a T below ``COLDEST`` (1e-4) is taken as that: a greedy
    setting has a large, finite ``nll`` at a token that it would not choose.
    """

    tokens: np.ndarray
    entropy: np.ndarray
    temperature: np.ndarray
    tempered_entropy: np.ndarray
    nll: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a model makes of a given text, untempered and before any filter: every token of it, given the prompt and the text before it.

    ``tokens`` ``[tokens]``; float64 ``[tokens]``: ``entropy`` (nats), ``max_probability``, ``margin`` (the largest p less the second
    largest), ``varentropy`` (nats squared), ``probability`` of the token; ``rank`` of the token, 0 for the model's best. ``best``
    ``[tokens, width]``: its most probable tokens, the best first, equal ones by number. ``watched`` ``[tokens, width]``: the probabilities
    of the tokens that were asked for, of ``best`` where none were.
    """

    tokens: np.ndarray
    entropy: np.ndarray
    max_probability: np.ndarray
    margin: np.ndarray
    varentropy: np.ndarray
    probability: np.ndarray
    rank: np.ndarray
    best: np.ndarray
    watched: np.ndarray


class Engine(Protocol):
    """Where text is generated. ``fingerprint`` changes with the model's weights.

    ``observes``: whether it sees the model's distributions, so that traces hold H and T, and ``force`` and ``read`` work; False for a
    server that gives texts alone. ``ahead``: how many prompts may be asked for at once, from as many threads; 1 for an engine that runs
    here.
    """

    fingerprint: str
    observes: bool
    ahead: int

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """For each request in turn, its completions, settings in order and samples within them."""
        ...

    def force(self, request: Request, text: str) -> Forced:
        """What ``request.settings`` make of ``text`` as the continuation of its prompt; nothing is generated.

        Samples, seed, ``max_new_tokens`` and ``stop`` do not matter. Raises ValueError as ``check`` does.
        """
        ...

    def read(
        self, prompt: str | Messages, text: str | Sequence[int], *, watch: np.ndarray | None = None, dropout: int | None = None
    ) -> Reading:
        """What the model makes of ``text`` (its end token behind it), or of these tokens as they are, as the continuation of ``prompt``.

        ``watch`` ``[tokens, width]``: tokens whose probabilities are wanted at each step. ``dropout``: the seed of a pass in which the
        model drops what it drops in training; None for none. Raises ValueError for what cannot be read, and for ``dropout`` where the
        model drops nothing.
        """
        ...

    def memory(self) -> int | None:
        """Bytes that generating held lately; None where that is not known."""
        ...

    def cache(self) -> int | None:
        """The most bytes that keys and values took at once in the last ``generate``; None where that is not known."""
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
