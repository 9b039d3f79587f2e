"""What engines that run a model here have in common, whatever library runs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edt_sampling.engines.decoding.forcing import forced
from edt_sampling.engines.decoding.guidance import guided_by
from edt_sampling.engines.decoding.memory import REMEMBERED
from edt_sampling.engines.decoding.outlook import FORESEEN, foreseen
from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.engines.decoding.reading import check_watch, reading
from edt_sampling.protocol import Completion, Forced, Messages, Reading, Request
from edt_sampling.sampling.contract import Backend, check_kept
from edt_sampling.sampling.host import host


class LocalEngine(ABC):
    """Every policy, on logits that the subclass computes; ``backend`` is that of their arrays."""

    observes = True
    ahead = 1

    def __init__(self, prompts: Prompts, *, backend: Backend) -> None:
        self._prompts, self._backend = prompts, backend
        self._cache_bytes: int | None = None

    @abstractmethod
    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """See ``Engine.generate``."""

    @abstractmethod
    def _logits(self, prompt: Sequence[int], text: Sequence[int], *, dropout: int | None = None) -> Any:
        """The logits from which each token of ``text`` would be drawn behind ``prompt``, ``[tokens, vocab]``, from one pass; with
        ``dropout``, its seed, the model drops what it drops in training, or a ValueError says that it drops nothing."""

    @abstractmethod
    def _prompt_entropy(self, prompt: Sequence[int]) -> float:
        """The mean entropy (nats) of the distributions from which the prompt's tokens, the first one excepted, could have been drawn; of a
        prompt of one token, the entropy of what follows it."""

    def check(self, request: Request) -> None:
        """Raises ValueError where a request cannot run: a prompt that is empty, too long, or chat messages without a template; a policy
        that needs a statistic which nobody keeps, or a prompt without evidence that is not given."""
        self._prompt(request)
        keeps = REMEMBERED | FORESEEN | {"kl", "scheduled"}
        check_kept((setting.policy for setting in request.settings), keeps, keeper="this engine")
        if guided_by(request):
            self._without(request)

    def force(self, request: Request, text: str) -> Forced:
        """What ``request.settings`` make of ``text`` as the continuation of its prompt, from one pass of the model.

        Raises ValueError for a prompt and text that are too long together, and for a policy that needs a statistic which only
        generating keeps.
        """
        keeps = REMEMBERED | FORESEEN | {"kl"}
        check_kept((setting.policy for setting in request.settings), keeps, keeper="teacher forcing")
        tokens = self._prompts.continuation(request.prompt, text)
        logits, kl = self._continued(self._prompts.tokens(request.prompt), tokens), None
        if guided_by(request):
            kl = host(self._backend.divergence(logits, self._continued(self._without(request), tokens)))
        return forced(logits, tokens, request.settings, kl=kl, ahead=self._foreseen(request), backend=self._backend)

    def read(
        self, prompt: str | Messages, text: str | Sequence[int], *, watch: np.ndarray | None = None, dropout: int | None = None
    ) -> Reading:
        """What the model makes of ``text``, or of tokens, as the continuation of ``prompt``, from one pass; see ``Engine.read``.

        Raises ValueError for a prompt and text that are too long together, for a text without tokens, and for ``dropout`` where the model
        drops nothing.
        """
        tokens = self._prompts.text(prompt, text)
        check_watch(watch, len(tokens))
        logits = self._continued(self._prompts.tokens(prompt), tokens, dropout=dropout)
        return reading(logits, tokens, watch=watch, backend=self._backend)

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """What each token adds to the text."""
        return self._prompts.pieces(tokens)

    def cache(self) -> int | None:
        """The most bytes that keys and values took at once in the last ``generate``, all streams together."""
        return self._cache_bytes

    def _continued(self, prompt: Sequence[int], text: Sequence[int], *, dropout: int | None = None) -> Any:
        self._prompts.check_room(len(prompt), len(text), f"text of {len(text)} tokens")
        return self._logits(prompt, text, dropout=dropout)

    def _foreseen(self, request: Request) -> dict[str, float]:
        return foreseen(request, lambda: self._prompt_entropy(self._prompts.tokens(request.prompt)), self._draft)

    def _draft(self, request: Request) -> Completion:
        """The only text of a request of one row."""
        ((completion,),) = self.generate([request])
        return completion

    def _prompt(self, request: Request) -> list[int]:
        """The token ids of a request's prompt; refused where model and length leave no room."""
        return self._with_room(request.prompt, request)

    def _without(self, request: Request) -> list[int]:
        """The token ids of a request's prompt without its evidence."""
        if request.without is None:
            raise ValueError(
                f"policy {guided_by(request)} needs the prompt without its evidence: give the request's without=, or examples with evidence"
            )
        return self._with_room(request.without, request)

    def _with_room(self, prompt: str | Messages, request: Request) -> list[int]:
        ids = self._prompts.tokens(prompt)
        self._prompts.check_room(len(ids), request.max_new_tokens, f"max_new_tokens={request.max_new_tokens}")
        return ids
