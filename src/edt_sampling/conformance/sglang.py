"""SGLang: our custom logit processor in front of the steps that its sampler takes; its engine needs a GPU and is not run."""
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import torch

from edt_sampling.conformance.golden import T0
from edt_sampling.conformance.subject import NotPossible, Rows, Steps
from edt_sampling.engines.sglang import EDTLogitProcessor
from edt_sampling.policies import Policy
from edt_sampling.sampling.torch_tempering import Tempering

OWN = T0 + 0.1
"""SGLang's own temperature, which is none of the policies'."""
UNTRIED = "the plug-in's interface is tested, SGLang's engine is not run: it needs a GPU and kernels of its own"


class SGLangSubject:
    """Temperature and top-p are SGLang's formulas in torch: its own sampler cannot be imported without its kernels."""

    engine, sampler = "sglang", "processor, temperature, top-p"
    rows_margin, steps_margin = 1e-5, 1e-3

    def versions(self) -> str:
        return f"sglang {version('sglang')}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        request = SimpleNamespace(sampling_params=SimpleNamespace(temperature=OWN, top_k=1 << 30))
        watched = Watched()
        left = watched(torch.from_numpy(logits), [{"edt": spec, "__req__": request} for spec in policies])
        probabilities = top_p_normalised((left / OWN).softmax(-1), top_p)
        return Rows(
            entropy=watched.found.entropy.numpy(),
            temperature=watched.found.temperature.numpy(),
            probabilities=probabilities.double().numpy(),
            tokens=None,
        )

    def open(self) -> None:
        raise NotPossible(UNTRIED)

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        raise NotPossible(UNTRIED)

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        raise NotPossible(UNTRIED)

    def close(self) -> None:
        raise NotPossible(UNTRIED)


class Watched(EDTLogitProcessor):
    """Keeps what the last call read and gave."""

    found: Tempering

    def temper(self, logits: torch.Tensor, policies: Sequence[Policy], *, coming: Sequence[float]) -> Tempering:
        self.found = super().temper(logits, policies, coming=coming)
        return self.found


def top_p_normalised(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """As ``top_p_normalize_probs_torch`` of SGLang's sampler does it: a token stays while the mass above it is at most top-p."""
    ordered, index = probabilities.sort(dim=-1, descending=True)
    above = ordered.cumsum(-1) - ordered
    kept = torch.where(above > top_p, 0.0, ordered)
    return torch.zeros_like(kept).scatter_(-1, index, kept / kept.sum(-1, keepdim=True))
