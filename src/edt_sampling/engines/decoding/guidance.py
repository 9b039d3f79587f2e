"""The second stream of KL-guided rows: the same model without the evidence, advanced by the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edt_sampling.engines.decoding.stream import Stream
from edt_sampling.protocol import Request
from edt_sampling.sampling.contract import Backend
from edt_sampling.sampling.host import host


class Guidance:
    """Goes beside rows that decode together: ``guided`` are the numbers of those that need it, and ``stream`` writes them behind the prompt
    without its evidence. It is compacted with the rows.
    """

    def __init__(self, stream: Stream, guided: Sequence[int], *, backend: Backend) -> None:
        self._stream, self._rows, self._backend = stream, np.array(guided), backend

    def divergence(self, logits: Any, live: np.ndarray) -> np.ndarray:
        """KL (nats) from the rows' distributions, ``logits`` ``[live, vocab]``, to those without evidence, ``[live]``; 0 for the others."""
        own, found = self._among(live), np.zeros(len(live))
        if len(own):
            found[own] = host(self._backend.divergence(logits[own], self._stream.logits))
        return found

    def step(self, tokens: np.ndarray, live: np.ndarray) -> None:
        """Appends the tokens ``[live]`` of its rows."""
        if len(self._rows):
            self._stream.step(tokens[self._among(live)])

    def keep(self, live: np.ndarray) -> None:
        """Goes on with its rows among these only."""
        kept = np.isin(self._rows, live)
        if not kept.all():
            self._rows = self._rows[kept]
            self._stream.keep(np.flatnonzero(kept))

    @property
    def bytes(self) -> int:
        """What the keys and values of its rows take."""
        return self._stream.bytes

    def _among(self, live: np.ndarray) -> np.ndarray:
        """The places of its rows in ``live``; both rise."""
        return np.flatnonzero(np.isin(live, self._rows))


def guided_by(request: Request) -> str | None:
    """The name of a policy of the request that reads the divergence to the distribution without the evidence."""
    return next((setting.policy.name for setting in request.settings if "kl" in setting.policy.needs), None)
