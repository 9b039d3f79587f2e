"""The second stream of KL-guided rows: the same model without the evidence, advanced by the same tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from edt_sampling.engines.transformers.prefill import Continuation, Prefill
from edt_sampling.sampling import torch as backend


class Guidance:
    """Goes beside rows that decode together: ``guided`` are the numbers of those that need it, ``owner`` says which prompt of ``start``,
    the prompts without their evidence, each of them continues. It has a cache of its own, and is compacted with the rows.
    """

    def __init__(
        self, model: PreTrainedModel, start: Prefill, guided: Sequence[int], owner: Sequence[int], *, room: int, shared: bool
    ) -> None:
        self._rows = torch.tensor(guided)
        self._stream = Continuation(model, start, owner, room=room, shared=shared)

    def divergence(self, logits: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
        """KL (nats) from the rows' distributions, ``logits`` ``[live, vocab]``, to those without evidence, ``[live]``; 0 for the others."""
        own = self._among(live).to(logits.device)
        found = torch.zeros(len(live), dtype=torch.float64, device=logits.device)
        if len(own):
            found[own] = backend.divergence(logits[own], self._stream.logits)
        return found

    def step(self, tokens: torch.Tensor, live: torch.Tensor) -> None:
        """Appends the tokens ``[live]`` of its rows."""
        if len(self._rows):
            self._stream.step(tokens[self._among(live).to(tokens.device)])

    def keep(self, live: torch.Tensor) -> None:
        """Goes on with its rows among these only."""
        kept = torch.isin(self._rows, live)
        if not kept.all():
            self._rows = self._rows[kept]
            self._stream.keep(kept.nonzero()[:, 0])

    @property
    def bytes(self) -> int:
        """What the keys and values of its rows take."""
        return self._stream.bytes

    def _among(self, live: torch.Tensor) -> torch.Tensor:
        """The places of its rows in ``live``; both rise."""
        return torch.isin(live, self._rows).nonzero()[:, 0]
