"""mlx-lm under conformance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm.generate import generate_step

from edt_sampling.conformance.subject import Rows, Steps
from edt_sampling.engines.mlx import PolicyLogitsProcessor, PolicySampler
from edt_sampling.engines.mlx.loading import read_model


class MlxSubject:
    """Rows through ``PolicySampler``, behind mlx-lm's own log-softmax; steps through ``PolicyLogitsProcessor`` in mlx-lm's own loop."""

    engine = "mlx"
    sampler = "PolicySampler behind mlx-lm's log-softmax"
    rows_margin = 1e-5
    steps_margin = 1e-4

    def __init__(self) -> None:
        self._model: Any = None

    def versions(self) -> str:
        """mlx-lm and MLX with their versions."""
        return f"mlx-lm {version('mlx-lm')}, mlx {version('mlx')}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        """What the sampler makes of logits, the tokens that MLX draws with numbers of its own left out."""
        sampler = PolicySampler(policies, filters=f"temperature,top_p={top_p}", seed=0)
        given = mx.array(logits)
        tempered = sampler.rows(given - mx.logsumexp(given, axis=-1, keepdims=True))
        entropy, temperature = sampler.rows.entropy, sampler.rows.temperature
        return Rows(
            entropy=np.array(entropy), temperature=np.array(temperature), probabilities=np.array(mx.softmax(tempered, axis=-1)), tokens=None
        )

    def open(self) -> None:
        """Loads the bundled model in float32."""
        self._model, tokenizer, _ = read_model(dtype="float32")
        self._ends = set(tokenizer.eos_token_ids)

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        """H and T while mlx-lm writes ``text``, whose tokens a sampler hands it in turn."""
        processor, seen = PolicyLogitsProcessor(policy), list[tuple[Any, Any]]()

        def noting(tokens: mx.array, logits: mx.array) -> mx.array:
            tempered = processor(tokens, logits)
            seen.append((processor.rows.entropy, processor.rows.temperature))
            return tempered

        forced: Iterator[int] = iter([*text, text[-1]])  # mlx-lm computes a step ahead
        options: dict[str, Any] = {"sampler": lambda _: mx.array([next(forced)]), "logits_processors": [noting]}
        written = [token for token, _ in generate_step(mx.array(list(prompt)), self._model, max_tokens=len(text), **options)]
        assert written == list(text)
        entropy, temperature = (np.array([float(step[column].item()) for step in seen[: len(text)]]) for column in (0, 1))
        return Steps(entropy=entropy, temperature=temperature)

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        """mlx-lm's own greedy continuation."""
        found: list[int] = []
        for token, _ in generate_step(mx.array(list(prompt)), self._model, max_tokens=tokens):
            found.append(int(token))
            if token in self._ends:
                break
        return found

    def close(self) -> None:
        """Lets go of the model."""
        self._model = None
