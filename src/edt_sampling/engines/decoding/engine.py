"""An engine for any library that turns tokens into logits: our draw, its model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, cast

import numpy as np

import edt_sampling
from edt_sampling.engines.decoding.footprint import resident
from edt_sampling.engines.decoding.forcing import forced
from edt_sampling.engines.decoding.guidance import Guidance, guided_by
from edt_sampling.engines.decoding.loop import decode
from edt_sampling.engines.decoding.memory import REMEMBERED
from edt_sampling.engines.decoding.model import Model
from edt_sampling.engines.decoding.outlook import FORESEEN, foreseen
from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.engines.decoding.reading import check_watch, reading
from edt_sampling.engines.decoding.rows import Row, Rows, rows_of
from edt_sampling.engines.decoding.stopping import Stopping
from edt_sampling.protocol import Completion, Forced, Messages, Reading, Request
from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import Backend, check_kept

BACKEND = cast(Backend, reference)


class LogitsEngine:
    """Generates with a ``Model``: a request's settings and samples decode together behind one prompt, its rows drawn in NumPy.

    KL-guided rows decode apart from the others, each beside a row of a second stream. ``chat`` puts prompts through the chat template.
    """

    observes = True
    ahead = 1

    def __init__(self, model: Model, *, chat: bool = False) -> None:
        self.model, self.fingerprint = model, model.fingerprint
        self._prompts = Prompts(model.tokenizer, name=model.name, positions=model.positions, chat=chat)
        self._cache_bytes: int | None = None

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know to repeat them."""
        return {
            "model": self.model.name,
            "fingerprint": self.fingerprint,
            "edt_sampling": edt_sampling.__version__,
            **self.model.describe(),
        }

    def check(self, request: Request) -> None:
        """Raises ValueError where a request cannot run; see ``Engine.check``."""
        prompts = [self._room(request.prompt, request)]
        keeps = REMEMBERED | FORESEEN | {"kl", "scheduled"}
        check_kept((setting.policy for setting in request.settings), keeps, keeper="this engine")
        if guided_by(request):
            prompts.append(self._without(request))
        self._rows_at_once(prompts, request.max_new_tokens)

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """For each request in turn, its completions, settings in order and samples within them."""
        for request in requests:
            self.check(request)
        self._cache_bytes = 0
        for request in requests:
            yield self._run(request)

    def force(self, request: Request, text: str) -> Forced:
        """What ``request.settings`` make of ``text`` as the continuation of its prompt, from one pass; see ``Engine.force``."""
        keeps = REMEMBERED | FORESEEN | {"kl"}
        check_kept((setting.policy for setting in request.settings), keeps, keeper="teacher forcing")
        tokens = self._prompts.continuation(request.prompt, text)
        logits, kl = self._forced_logits(self._prompts.tokens(request.prompt), tokens), None
        if guided_by(request):
            kl = reference.divergence(logits, self._forced_logits(self._without(request), tokens))
        return forced(logits, tokens, request.settings, kl=kl, ahead=self._foreseen(request), backend=BACKEND)

    def read(
        self, prompt: str | Messages, text: str | Sequence[int], *, watch: np.ndarray | None = None, dropout: int | None = None
    ) -> Reading:
        """What the model makes of ``text``, or of tokens, as the continuation of ``prompt``; see ``Engine.read``."""
        if dropout is not None:
            raise ValueError(
                "dropout: this engine runs models as they are served, without dropout: leave it out, or use engine transformers"
            )
        tokens = self._prompts.text(prompt, text)
        check_watch(watch, len(tokens))
        return reading(self._forced_logits(self._prompts.tokens(prompt), tokens), tokens, watch=watch, backend=BACKEND)

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """What each token adds to the text."""
        return self._prompts.pieces(tokens)

    def memory(self) -> int | None:
        """Bytes that this process holds; None where that is not known."""
        return resident()

    def cache(self) -> int | None:
        """The most bytes that keys and values took at once in the last ``generate``, both streams together."""
        return self._cache_bytes

    def _run(self, request: Request) -> list[Completion]:
        """All rows of a request, guided ones apart, as many at once as the model's limits allow."""
        found: dict[Row, Completion] = {}
        ahead = self._foreseen(request)
        stopping = Stopping(self.model.tokenizer, self.model.end_tokens, request.stop)
        guided = [row for row in rows_of([request]) if "kl" in request.settings[row.setting].policy.needs]
        plain = [row for row in rows_of([request]) if row not in set(guided)]
        for rows, prompts in ((plain, [request.prompt]), (guided, [request.prompt, request.without])):
            waiting = iter(rows)
            tokens = [self._prompts.tokens(prompt) for prompt in prompts if prompt is not None] if rows else []
            while rows and (chunk := list(islice(waiting, self._rows_at_once(tokens, request.max_new_tokens)))):
                found |= zip(chunk, self._decode(request, chunk, tokens, ahead, stopping), strict=True)
        return [found[row] for row in rows_of([request])]

    def _decode(
        self, request: Request, chunk: Sequence[Row], prompts: Sequence[Sequence[int]], ahead: dict[str, float], stopping: Stopping
    ) -> list[Completion]:
        streams = [self.model.begin(prompt, rows=len(chunk), room=request.max_new_tokens) for prompt in prompts]
        rows = Rows([request], chunk, foreseen=[ahead], backend=BACKEND, like=streams[0].logits)
        guidance = Guidance(streams[1], rows.guided, backend=BACKEND) if len(streams) > 1 else None
        completions, held = decode([request], rows, streams[0], stopping, guidance=guidance)
        self._cache_bytes = max(self._cache_bytes or 0, held)
        return completions

    def _rows_at_once(self, prompts: Sequence[Sequence[int]], steps: int) -> int:
        """How many rows every stream has room for."""
        rows = min(self.model.rows_at_once(len(prompt), room=steps) for prompt in prompts) // len(prompts)
        if rows < 1:
            raise ValueError(f"prompt of {max(map(len, prompts))} tokens and max_new_tokens={steps}: not one row fits this engine's cache")
        return rows

    def _forced_logits(self, prompt: Sequence[int], text: Sequence[int]) -> np.ndarray:
        """The logits from which each token of the text would be drawn, ``[tokens, vocab]``."""
        self._prompts.check_room(len(prompt), len(text), f"text of {len(text)} tokens")
        return self.model.logits([*prompt, *text[:-1]], last=len(text))

    def _foreseen(self, request: Request) -> dict[str, float]:
        return foreseen(request, lambda: self._prompt_entropy(self._prompts.tokens(request.prompt)), self._draft)

    def _prompt_entropy(self, prompt: Sequence[int]) -> float:
        """The mean entropy (nats) of the distributions from which the prompt's tokens, the first one excepted, could have been drawn; of a
        prompt of one token, the entropy of what follows it."""
        read = prompt[:-1] or prompt
        return float(reference.statistics(self.model.logits(read, last=len(read))).entropy.mean())

    def _draft(self, request: Request) -> Completion:
        """The only text of a request of one row."""
        ((completion,),) = self.generate([request])
        return completion

    def _without(self, request: Request) -> list[int]:
        """The token ids of a request's prompt without its evidence."""
        if request.without is None:
            raise ValueError(
                f"policy {guided_by(request)} needs the prompt without its evidence: give the request's without=, or examples with evidence"
            )
        return self._room(request.without, request)

    def _room(self, prompt: str | Messages, request: Request) -> list[int]:
        """The token ids of a prompt; refused where model and length leave no room."""
        ids = self._prompts.tokens(prompt)
        self._prompts.check_room(len(ids), request.max_new_tokens, f"max_new_tokens={request.max_new_tokens}")
        return ids
