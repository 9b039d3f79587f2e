"""transformers: our logits processor before its own top-p, and its own ``generate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, GenerationConfig, LogitsProcessor, LogitsProcessorList, TopPLogitsWarper

from edt_sampling.conformance.subject import Rows, Steps
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.engines.transformers.processor import PolicyLogitsProcessor
from edt_sampling.policies import policy as read
from edt_sampling.sampling import torch as backend


class TransformersSubject:
    """``generate`` is made to write a text by a processor behind ours that leaves its next token alone."""

    engine, sampler = "transformers", "processor, top-p"
    rows_margin, steps_margin = 1e-5, 1e-3

    def __init__(self) -> None:
        self._model: Any = None

    def versions(self) -> str:
        return f"transformers {transformers.__version__}"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        scores = torch.from_numpy(logits)
        processor = PolicyLogitsProcessor([read(spec) for spec in policies])
        none: Any = torch.zeros(len(policies), 0, dtype=torch.int64)
        left = TopPLogitsWarper(top_p)(none, processor(none, scores.clone()))
        return Rows(
            entropy=backend.statistics(scores).entropy.numpy(),
            temperature=processor.temperature(scores).numpy(),
            probabilities=left.double().softmax(-1).numpy(),
            tokens=None,
        )

    def open(self) -> None:
        self._model = AutoModelForCausalLM.from_pretrained(model_source(BUNDLED), dtype=torch.float32).eval()

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        watched = Watched(policy, text)
        self._generate(prompt, len(text), LogitsProcessorList([watched]))
        return Steps(entropy=np.array(watched.entropy), temperature=np.array(watched.temperatures))

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        return self._generate(prompt, tokens, LogitsProcessorList())

    def close(self) -> None:
        self._model = None

    def _generate(self, prompt: Sequence[int], tokens: int, processors: LogitsProcessorList) -> list[int]:
        ids = torch.tensor([list(prompt)])
        config = GenerationConfig(do_sample=False, max_new_tokens=tokens, eos_token_id=self._model.config.eos_token_id, pad_token_id=0)
        found = self._model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config, logits_processor=processors)
        return found[0, ids.shape[1] :].tolist()


class Watched(LogitsProcessor):
    """Takes down H and T of each step, and lets the text's next token through alone."""

    def __init__(self, policy: str, text: Sequence[int]) -> None:
        self._processor, self._text = PolicyLogitsProcessor(policy), list(text)
        self.entropy: list[float] = []
        self.temperatures: list[float] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> Any:
        self.entropy.append(float(backend.statistics(scores).entropy))
        self.temperatures.append(float(self._processor.temperature(scores)))
        token = self._text[len(self.entropy) - 1]
        return torch.full_like(self._processor(input_ids, scores), -torch.inf).index_fill_(1, torch.tensor([token]), 0.0)
