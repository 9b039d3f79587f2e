"""The float64 NumPy backend, which is the oracle: here the vectors are held against it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from edt_sampling.conformance.drawn import drawn
from edt_sampling.conformance.subject import NotPossible, Rows, Steps
from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import Backend


class NumpySubject:
    """Rows alone: no model runs on it."""

    engine, sampler = "numpy", "edt.draw in float64"
    rows_margin, steps_margin = 1e-8, 1e-8

    def versions(self) -> str:
        return f"numpy {np.__version__}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        return drawn(logits, policies, top_p=top_p, uniform=uniform, backend=cast(Backend, reference))

    def open(self) -> None:
        raise NotPossible("a backend runs no model")

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        raise NotPossible("a backend runs no model")

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        raise NotPossible("a backend runs no model")

    def close(self) -> None: ...
