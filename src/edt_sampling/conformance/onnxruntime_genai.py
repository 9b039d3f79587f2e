"""ONNX Runtime GenAI under conformance."""
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime_genai as og

from edt_sampling.conformance.subject import Rows, Steps
from edt_sampling.engines.onnxruntime_genai import PolicyTemper
from edt_sampling.engines.onnxruntime_genai.builder import bundled_onnx
from edt_sampling.engines.onnxruntime_genai.generation import new_generator
from edt_sampling.policies import policy
from edt_sampling.sampling import reference
from edt_sampling.sampling.filters import Filters, TopP
from edt_sampling.sampling.reference_filters import kept


class OnnxRuntimeGenaiSubject:
    """Rows through ``PolicyTemper`` in float32, then our top-p and draw, as in ``generate``; steps through a GenAI generator's logits."""

    engine = "onnxruntime-genai"
    sampler = "PolicyTemper's logits, our top-p and draw"
    rows_margin = 1e-6
    steps_margin = 1e-4

    def __init__(self) -> None:
        self._model: Any = None

    def versions(self) -> str:
        """GenAI and its version."""
        return f"onnxruntime-genai {og.__version__}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        """What they make of logits, with the tokens that ``generate`` draws with these numbers."""
        temper = PolicyTemper(policies)
        logs = temper.tempered(logits).astype(np.float64)
        weights = np.exp(logs)
        left = np.where(kept(logs, weights, [TopP(top_p)]), weights, 0)
        mixture = reference.mixture([policy(spec) for spec in policies])
        drawn = reference.draw(logits, mixture, uniform=uniform, filters=Filters.parse(f"temperature,top_p={top_p}"))
        return Rows(
            entropy=temper.entropy,
            temperature=temper.temperature,
            probabilities=left / left.sum(-1, keepdims=True),
            tokens=drawn.token,
        )

    def open(self) -> None:
        """Loads the bundled model in float32, exported where it is not yet."""
        self._model = og.Model(str(bundled_onnx()))

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        """H and T ahead of each token of ``text``, which the generator is given in turn."""
        generator, temper = new_generator(self._model, rows=1, length=len(prompt) + len(text) + 1), PolicyTemper(policy)
        seen: list[tuple[float, float]] = []
        for token in [prompt, *([token] for token in text)]:
            generator.append_tokens(np.array([token], dtype=np.int32))
            temper(generator)
            seen.append((float(temper.entropy[0]), float(temper.temperature[0])))
        entropy, temperature = np.array(seen[:-1]).T
        return Steps(entropy=entropy, temperature=temperature)

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        """GenAI's own greedy continuation."""
        generator = new_generator(self._model, rows=1, length=len(prompt) + tokens + 1)
        generator.append_tokens(np.array([prompt], dtype=np.int32))
        found: list[int] = []  # get_sequence leaves the end token out
        while len(found) < tokens and not generator.is_done():
            generator.generate_next_token()
            found.append(int(generator.get_next_tokens()[0]))
        return found

    def close(self) -> None:
        """Lets go of the model."""
        self._model = None
