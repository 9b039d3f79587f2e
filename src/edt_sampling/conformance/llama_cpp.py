"""llama.cpp under test: rows through its own chain of samplers, steps and greedy texts through llama-cpp-python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edt_sampling.conformance.subject import Rows, Steps
from edt_sampling.engines.llama_cpp.chain import Chain
from edt_sampling.engines.llama_cpp.context import Context
from edt_sampling.engines.llama_cpp.loading import bundled_gguf, read_model
from edt_sampling.engines.llama_cpp.model import CACHES
from edt_sampling.engines.llama_cpp.native import llama_cpp


class LlamaCppSubject:
    """llama.cpp's chain with the policy as a native sampler in it; keys and values in float32, one thread."""

    engine = "llama-cpp"
    sampler = "llama.cpp's chain: policy, top-p, dist"
    rows_margin = 1e-6
    steps_margin = 1e-4

    def __init__(self) -> None:
        self._model: Any = None

    def versions(self) -> str:
        """The engine's library and its version."""
        return f"llama-cpp-python {llama_cpp.__version__}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        """What the chain leaves of each row; llama.cpp draws with random numbers of its own, so there are no tokens."""
        read = [self._row(row, policy, top_p) for row, policy in zip(logits, policies, strict=True)]
        entropy, temperature, probabilities = (np.array(column) for column in zip(*read, strict=True))
        return Rows(entropy=entropy, temperature=temperature, probabilities=probabilities, tokens=None)

    def _row(self, logits: np.ndarray, policy: str, top_p: float) -> tuple[float, float, np.ndarray]:
        chain = Chain(policy, filters=f"temperature,top_p={top_p}", seed=0, draw="dist")
        left = chain.apply(logits)
        return chain.steps.entropy[0], chain.steps.temperature[0], left.probabilities

    def open(self) -> None:
        """Loads the bundled model as a GGUF file in float32."""
        self._model = read_model(bundled_gguf())

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        """H and T at each token of ``text``, recorded by the native sampler while the text is decoded token by token."""
        context, chain = self._context(len(prompt) + len(text)), Chain(policy, seed=0)
        logits = _append(context, prompt, at=0)
        for place, token in enumerate(text, start=len(prompt)):
            chain.apply(logits)
            chain.accept(token)
            logits = _append(context, [token], at=place)
        return Steps(entropy=chain.steps.entropy, temperature=chain.steps.temperature)

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        """The continuation that llama.cpp's own greedy sampler takes."""
        context, sampler = self._context(len(prompt) + tokens), llama_cpp.llama_sampler_init_greedy()
        _append(context, prompt, at=0)
        found: list[int] = []
        while len(found) < tokens:
            found.append(llama_cpp.llama_sampler_sample(sampler, context.native, -1))
            if llama_cpp.llama_vocab_is_eog(self._model.vocab, found[-1]):
                break
            _append(context, found[-1:], at=len(prompt) + len(found) - 1)
        llama_cpp.llama_sampler_free(sampler)
        return found

    def close(self) -> None:
        """Lets go of the model."""
        self._model.close()
        self._model = None

    def _context(self, cells: int) -> Context:
        return Context(self._model, cells=cells, sequences=1, cache=CACHES["f32"][0], threads=1)


def _append(context: Context, tokens: Sequence[int], *, at: int) -> np.ndarray:
    """Puts tokens into the only sequence, and returns the logits behind the last of them, ``[vocab]``."""
    size = len(tokens)
    places = np.arange(at, at + size)
    return context.decode(np.array(tokens), positions=places, sequences=np.zeros(size), wanted=places == at + size - 1)[0]
