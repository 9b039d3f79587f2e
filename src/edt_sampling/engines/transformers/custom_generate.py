"""A ``custom_generate`` callable: transformers' own loop, our draw."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteriaList

from edt_sampling.engines.decoding.memory import REMEMBERED, Memory
from edt_sampling.engines.one_a_row import Policies, one_a_row, read_policies
from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.generation_config import WARPERS, sampling_fields, warn_overridden
from edt_sampling.policies import Mixture
from edt_sampling.sampling import Filters, uniforms
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.contract import Backend

TRANSFORMERS_TOP_K = 50  # set by ``generate`` itself where neither the user nor the model's config says otherwise


def policy_generate(
    model: Any,
    input_ids: torch.Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    policy: Policies,
    filters: str | Filters = "temperature",
    seed: int = 0,
    request: int = 0,
    **model_kwargs: Any,
) -> Any:
    """The decoding loop for ``model.generate(**inputs, custom_generate=policy_generate, policy="edt:t0=0.8,theta=0.2")``.

    ``filters`` is our notation (``"temperature,top_p=0.95"``). Prompt i draws the random numbers of request ``request + i``
    under ``seed``, its k-th return sequence those of sample k, so a text does not depend on its neighbours.
    Penalties and constraints of transformers run first and stay in force; its temperature and truncation are taken out, and a
    warning names those that were set.
    """
    set_by_config = sampling_fields(generation_config)
    if model.generation_config.top_k is None and set_by_config.get("top_k") == TRANSFORMERS_TOP_K:
        del set_by_config["top_k"]
    warn_overridden(set_by_config, "the policy")
    kept = LogitsProcessorList(p for p in logits_processor if not isinstance(p, WARPERS))
    prompts, samples = np.divmod(np.arange(len(input_ids)), generation_config.num_return_sequences or 1)
    kept.append(Draw(policy, filters, seed, requests=request + prompts, samples=samples, prompt_length=input_ids.shape[1]))
    generation_config.do_sample = False
    return model._sample(input_ids, kept, stopping_criteria, generation_config, **model_kwargs)


class Draw(LogitsProcessor):
    """Draws a token for each row and leaves no other: whatever the loop does next can only choose it."""

    def __init__(
        self, policies: Policies, filters: str | Filters, seed: int, *, requests: np.ndarray, samples: np.ndarray, prompt_length: int
    ) -> None:
        self.policies = read_policies(policies, keeps=REMEMBERED, keeper="custom_generate")
        self.filters = Filters.parse(filters) if isinstance(filters, str) else filters
        self.seed, self.requests, self.samples, self.prompt_length = seed, requests, samples, prompt_length
        self._uniforms: np.ndarray | None = None
        self._mixture: Mixture | None = None
        self._memory: Memory | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> Any:
        step = input_ids.shape[1] - self.prompt_length
        logits = exact(scores)
        if self._mixture is None or self._memory is None:
            self._mixture = backend.mixture(one_a_row(self.policies, len(logits)), like=logits)
            self._memory = Memory(len(logits), backend=cast(Backend, backend))
        rows = np.arange(len(logits))
        kept = self._memory.recall(rows, logits, step, needs=self._mixture.needs, filters=self.filters)
        drawn = backend.draw(logits, self._mixture, uniform=self._uniform(step), filters=self.filters, **kept)
        self._memory.drew(rows, drawn.probability, filters=self.filters)
        return torch.full_like(scores, -torch.inf).scatter_(1, drawn.token[:, None].to(scores.device), 0.0)

    def _uniform(self, step: int) -> np.ndarray:
        """One number a row; the table grows as the text does."""
        if self._uniforms is None or step >= self._uniforms.shape[1]:
            self._uniforms = uniforms(self.seed, self.requests, self.samples, max(64, 2 * step))
        return self._uniforms[:, step].copy()
