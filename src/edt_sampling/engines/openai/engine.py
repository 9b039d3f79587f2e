"""The engine: every text of a request is an HTTP call of its own, and as many run at once as the server may be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from itertools import chain
from typing import Any, NoReturn

import numpy as np
import openai

import edt_sampling
from edt_sampling.engines.openai.answers import Answer
from edt_sampling.engines.openai.calls import Calls
from edt_sampling.engines.openai.server import Server
from edt_sampling.engines.openai.settings import sampling_fields
from edt_sampling.protocol import Completion, Forced, Messages, Reading, Request
from edt_sampling.sampling import uniforms

SEED_BITS = 31
"""What every server takes as a seed."""


class OpenAIEngine:
    """Generates with the model of a server, found by ``load``.

    It sees texts alone: traces hold no entropy and no temperature, and nothing can be teacher-forced or read. ``chat`` sends text as a
    user's message; messages are always sent as such. Sample k of a prompt has the same seed under every setting.
    """

    observes = False

    def __init__(self, calls: Calls, server: Server, *, ahead: int, chat: bool) -> None:
        self.server, self.fingerprint = server, server.fingerprint
        self.ahead, self.chat = ahead, chat
        self._calls = calls

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know."""
        return {
            "engine": "openai",
            "edt_sampling": edt_sampling.__version__,
            "openai": openai.__version__,
            "model": self.server.model,
            "fingerprint": self.fingerprint,
            "base_url": self.server.url,
            "served": dict(self.server.entry),
            "plugin": self.server.refuses is None,
            "observes": self.observes,
        }

    def check(self, request: Request) -> None:
        """Raises ValueError, by name, for a policy or filter that the server cannot do. How long a prompt may be, only the server knows."""
        self._fields(request)

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """For each request in turn, its completions, settings in order and samples within them; all of them are asked for at once.

        Raises ValueError as ``check`` does and for what the server refuses, ConnectionError where it does not answer; then, and where the
        iterator is closed, all calls that have not ended are cancelled.
        """
        fields = [self._fields(request) for request in requests]
        asked = [self._ask(request, own) for request, own in zip(requests, fields, strict=True)]
        try:
            for request, calls in zip(requests, asked, strict=True):
                yield _completions(request, calls)
        finally:
            for call in chain.from_iterable(asked):
                call.cancel()

    def stop(self) -> None:
        """Cancels every call; whoever waits for one in another thread gets CancelledError."""
        self._calls.stop()

    def close(self) -> None:
        """Lets go of the connections; the engine cannot be used any more."""
        self._calls.close()

    def force(self, request: Request, text: str) -> Forced:
        """Raises ValueError: the server shows no distributions."""
        _refuse("force a text")

    def read(
        self,
        prompt: str | Messages,
        text: str | Sequence[int],
        *,
        watch: np.ndarray | None = None,
        dropout: int | None = None,
    ) -> Reading:
        """Raises ValueError: the server shows no distributions."""
        _refuse("read a text")

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """Raises ValueError: the tokenizer is the server's."""
        _refuse("split a text into its tokens")

    def memory(self) -> int | None:
        """None: the memory is the server's."""
        return None

    def cache(self) -> int | None:
        """None: the cache is the server's."""
        return None

    def _fields(self, request: Request) -> list[dict[str, Any]]:
        """The fields of each of the request's settings, without seed."""
        ending: dict[str, Any] = {"max_tokens": request.max_new_tokens, **({"stop": list(request.stop)} if request.stop else {})}
        return [{**ending, **self.server.telling, **sampling_fields(setting, server=self.server)} for setting in request.settings]

    def _ask(self, request: Request, fields: Sequence[dict[str, Any]]) -> list[Future[Answer]]:
        prompt = [{"role": "user", "content": request.prompt}] if self.chat and isinstance(request.prompt, str) else request.prompt
        seeds = [seed_of(request, sample) for sample in range(request.samples)]
        return [self._calls.ask(prompt, {**own, "seed": seed}) for own in fields for seed in seeds]


def seed_of(request: Request, sample: int) -> int:
    """The first bits of the sample's first random number, whatever the setting."""
    return int(uniforms(request.seed, request.id, sample, 1)[0] * 2**SEED_BITS)


def _completions(request: Request, calls: Sequence[Future[Answer]]) -> list[Completion]:
    """The texts of a request, once all are there; what fails first, or is cancelled, is raised without waiting for the others."""
    for call in as_completed(calls):
        call.result()
    return [
        Completion(
            request=request.id,
            setting=number // request.samples,
            sample=number % request.samples,
            text=answer.text,
            finish=answer.finish,
            trace=answer.trace,
        )
        for number, answer in enumerate(call.result() for call in calls)
    ]


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"engine openai sees texts alone: it cannot {what}; load the model itself, for example with engine transformers")
