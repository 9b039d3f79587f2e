"""An engine for any library that turns tokens into logits: our draw, its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

import edt_sampling
from edt_sampling.engines.decoding.footprint import resident
from edt_sampling.engines.decoding.guidance import Guidance, guided_by
from edt_sampling.engines.decoding.local import LocalEngine
from edt_sampling.engines.decoding.loop import decode
from edt_sampling.engines.decoding.model import Model
from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.engines.decoding.rows import Row, Rows, rows_of
from edt_sampling.engines.decoding.stopping import Stopping
from edt_sampling.protocol import Completion, Request
from edt_sampling.sampling.dispatch import numpy_backend
from edt_sampling.sampling.float32 import arithmetic


class LogitsEngine(LocalEngine):
    """Generates with a ``Model``: a request's settings and samples decode together behind one prompt, its rows drawn in NumPy.

    KL-guided rows decode apart from the others, each beside a row of a second stream. ``chat`` puts prompts through the chat template.
    """

    def __init__(self, model: Model, *, chat: bool = False) -> None:
        super().__init__(Prompts(model.tokenizer, name=model.name, positions=model.positions, chat=chat), backend=numpy_backend())
        self.model, self.fingerprint = model, model.fingerprint

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know to repeat them."""
        return {
            "model": self.model.name,
            "fingerprint": self.fingerprint,
            "edt_sampling": edt_sampling.__version__,
            "draws": arithmetic("numba"),
            **self.model.describe(),
        }

    def check(self, request: Request) -> None:
        """Raises ValueError where a request cannot run, or not one row of it fits the cache; see ``Engine.check``."""
        super().check(request)
        prompts = [self._prompt(request), *([self._without(request)] if guided_by(request) else [])]
        self._rows_at_once(prompts, request.max_new_tokens)

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """For each request in turn, its completions, settings in order and samples within them."""
        for request in requests:
            self.check(request)
        self._cache_bytes = 0
        for request in requests:
            yield self._run(request)

    def memory(self) -> int | None:
        """Bytes that this process holds; None where that is not known."""
        return resident()

    def _run(self, request: Request) -> list[Completion]:
        """All rows of a request, guided ones apart."""
        rows = list(rows_of([request]))
        guided = [row for row in rows if "kl" in request.settings[row.setting].policy.needs]
        plain = [row for row in rows if row not in set(guided)]
        ahead = self._foreseen(request)
        found = self._decode(request, plain, [self._prompt(request)], ahead)
        if guided:
            found |= self._decode(request, guided, [self._prompt(request), self._without(request)], ahead)
        return [found[row] for row in rows]

    def _decode(
        self, request: Request, rows: Sequence[Row], prompts: Sequence[Sequence[int]], ahead: Mapping[str, float]
    ) -> dict[Row, Completion]:
        """These rows, as many at once as the model's limits allow, in a stream for each of the prompts."""
        found: dict[Row, Completion] = {}
        stopping = Stopping(self.model.tokenizer, self.model.end_tokens, request.stop)
        waiting, room = iter(rows), self._rows_at_once(prompts, request.max_new_tokens)
        while chunk := list(islice(waiting, room)):
            own, *second = [self.model.begin(prompt, rows=len(chunk), room=request.max_new_tokens) for prompt in prompts]
            state = Rows([request], chunk, foreseen=[ahead], backend=self._backend, like=own.logits)
            guidance = Guidance(second[0], state.guided, backend=self._backend) if second else None
            completions, held = decode([request], state, own, stopping, guidance=guidance)
            self._cache_bytes = max(self._cache_bytes or 0, held)
            found |= zip(chunk, completions, strict=True)
        return found

    def _rows_at_once(self, prompts: Sequence[Sequence[int]], steps: int) -> int:
        """How many rows every stream has room for."""
        rows = min(self.model.rows_at_once(len(prompt), room=steps) for prompt in prompts) // len(prompts)
        if rows < 1:
            raise ValueError(f"prompt of {max(map(len, prompts))} tokens and max_new_tokens={steps}: not one row fits this engine's cache")
        return rows

    def _logits(self, prompt: Sequence[int], text: Sequence[int], *, dropout: int | None = None) -> np.ndarray:
        if dropout is not None:
            raise ValueError(
                "dropout: this engine runs models as they are served, without dropout: leave it out, or use engine transformers"
            )
        return self.model.logits([*prompt, *text[:-1]], last=len(text))

    def _prompt_entropy(self, prompt: Sequence[int]) -> float:
        read = prompt[:-1] or prompt
        return float(self._backend.statistics(self.model.logits(read, last=len(read)), needs=frozenset({"entropy"})).entropy.mean())
