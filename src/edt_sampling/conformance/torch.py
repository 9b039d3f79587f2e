"""The torch backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from edt_sampling.conformance.drawn import drawn
from edt_sampling.conformance.numpy import NumpySubject
from edt_sampling.conformance.subject import Rows
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.contract import Backend


class TorchSubject(NumpySubject):
    """Rows alone, as with NumPy."""

    engine, sampler = "torch", "edt.draw"
    rows_margin = 1e-6

    def versions(self) -> str:
        return f"torch {torch.__version__}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        return drawn(torch.from_numpy(logits), policies, top_p=top_p, uniform=uniform, backend=cast(Backend, backend))
