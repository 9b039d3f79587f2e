"""The harness's model type ``edt``: its own Hugging Face model, with our draw where it generates."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM
from transformers import LogitsProcessorList

from edt_sampling.engines.decoding.memory import REMEMBERED
from edt_sampling.engines.fingerprint import fingerprint
from edt_sampling.engines.one_a_row import read_policies
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.engines.transformers.adapters import adapter_fingerprint, base_of
from edt_sampling.engines.transformers.custom_generate import Draw
from edt_sampling.engines.transformers.generation_config import NEUTRAL, sampling_fields
from edt_sampling.policies import Policy
from edt_sampling.sampling import Filters

DECIDED_HERE = frozenset(
    {*NEUTRAL, "do_sample", "num_beams", "num_beam_groups", "num_return_sequences", "early_stopping", "length_penalty"}
)
"""What a task may ask of transformers and does not get: the policy and the filters decide how a token is drawn."""
log = logging.getLogger(__name__)
Base: Any = HFLM  # its decorator hides from type checkers what it is


class EdtLM(Base):
    """A causal language model whose generated texts are drawn with a policy; likelihoods are the harness's own.

    ``policy`` and ``filters`` are spec strings; ``pretrained`` is a folder (of a LoRA adapter too), a Hub id or ``bundled``; ``dtype`` auto
    is float32 on a CPU and as stored elsewhere; the rest is HFLM's. A context's random numbers are keyed by ``seed``, its tokens, and how
    often it was asked for before in the same call (a task's ``repeats``), from ``sample`` on: they do not depend on the batch size, the
    batch's other rows or the order of documents, and policies are paired. A task's ``until`` and ``max_gen_toks`` stay in force; what else
    it asks of the sampler does not apply and is named in one warning.

    Raises ValueError for a policy that needs what only our own engine keeps, and for a model that is not causal.
    """

    def __init__(
        self,
        pretrained: str,
        *,
        policy: str = "edt:t0=0.8,theta=0.2",
        filters: str = "temperature,top_p=0.95",
        seed: int = 0,
        dtype: str = "auto",
        device: str | None = None,
        **options: Any,
    ) -> None:
        self.draw_with(policy, filters=filters, seed=seed)
        base = None if pretrained == BUNDLED else base_of(pretrained)
        source = model_source(base or pretrained)
        options |= {} if base is None else {"peft": pretrained}
        if device is None or (device.startswith("cuda") and not torch.cuda.is_available()):  # lm_eval asks for cuda:0 everywhere
            device = "cuda" if torch.cuda.is_available() else "cpu"
        super().__init__(source, dtype="float32" if (dtype, device) == ("auto", "cpu") else dtype, device=device, **options)
        mark = fingerprint(source, self.config)
        self.fingerprint = mark if base is None else adapter_fingerprint(mark, pretrained)
        if self.backend != "causal":
            raise ValueError(f"pretrained {pretrained!r} must be a causal language model, got {self.backend}")
        self._told: set[str] = set()
        self._seen: Counter[int] = Counter()
        self._tell("the model's generation config", sampling_fields(self.model.generation_config))

    def draw_with(self, policy: str | Policy, *, filters: str | None = None, seed: int = 0, sample: int = 0) -> None:
        """Draws with this policy from now on; ``sample`` counts a context's texts from there."""
        (self.policy,) = read_policies([policy], keeps=REMEMBERED, keeper="the harness's generate")
        self.filters = self.filters if filters is None else Filters.parse(filters)
        self.seed, self.sample = int(seed), sample

    def set_cache_hook(self, cache_hook: Any) -> None:
        """Refuses the harness's cache of answers, whose key holds neither policy nor seed."""
        if cache_hook.dbdict is not None:
            raise ValueError("use_cache must be off with model edt: the harness's cache tells neither policies nor seeds apart")
        super().set_cache_hook(cache_hook)

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        """One text a request, as HFLM's; equal contexts are further samples of one another."""
        self._seen.clear()
        for request in requests:
            self._tell(f"task {request.task_name}", {k: v for k, v in request.args[1].items() if k in DECIDED_HERE})
        return super().generate_until(requests, disable_tqdm=disable_tqdm)

    def _model_generate(self, context: torch.Tensor, max_length: int, stop: list[str], **generation_kwargs: Any) -> torch.Tensor:
        kept = {name: value for name, value in generation_kwargs.items() if name not in DECIDED_HERE}
        keys, samples = self._numbers(context, generation_kwargs["attention_mask"])
        draw = Draw(self.policy, self.filters, self.seed, requests=keys, samples=samples, prompt_length=context.shape[1])
        return super()._model_generate(context, max_length, stop, do_sample=False, logits_processor=LogitsProcessorList([draw]), **kept)

    def _numbers(self, context: torch.Tensor, mask: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The key of each row's random numbers, and which sample of it the row is."""
        keys = [context_key(row[known.bool()].tolist()) for row, known in zip(context, mask, strict=True)]
        samples: list[int] = []
        for key in keys:
            samples.append(self.sample + self._seen[key])
            self._seen[key] += 1
        return np.array(keys, dtype=np.uint64), np.array(samples)

    def _tell(self, who: str, asked: Mapping[str, Any]) -> None:
        """One warning for each who."""
        if asked and who not in self._told:
            self._told.add(who)
            listed = ", ".join(f"{name}={value}" for name, value in sorted(asked.items()))
            log.warning("%s sets %s: ignored, the policy and its filters decide", who, listed)


register_model("edt")(EdtLM)


def context_key(tokens: Sequence[int]) -> int:
    """The key of a context's random numbers, below 2**63: a function of its tokens alone."""
    return int.from_bytes(hashlib.sha256(np.array(tokens, dtype="<i8").tobytes()).digest()[:8], "big") >> 1
