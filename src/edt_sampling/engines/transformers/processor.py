"""A logits processor for the user's own ``model.generate``."""

from __future__ import annotations

from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel

from edt_sampling.engines.one_a_row import Policies, one_a_row, read_policies
from edt_sampling.engines.transformers.exact import exact
from edt_sampling.engines.transformers.generation_config import NEUTRAL, sampling_fields, warn_overridden
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.contract import COLDEST

KEEPS = frozenset({"first_entropy"})
"""What a processor can keep; the mean so far it cannot, because it may see other rows at every call."""


class PolicyLogitsProcessor(LogitsProcessor):
    """Divides each row's scores by the temperature that its policy gives it: all of it, ``t0`` included.

    ``policies`` is one policy or spec string for all rows, or a list with one a row. transformers runs custom
    processors after its penalties and before its own temperature, top-k and top-p, whose defaults include
    ``top_k=50``; pass ``temperature=1.0, top_k=0`` to ``generate``, or use ``decoding`` below, which does.
    A row at T = 0 keeps its maximum alone. An instance-level policy reads the entropy of the first call after
    construction or ``reset``: use a new processor for every ``generate``. ``coming`` is the temperature by which ``generate`` divides
    behind it, so that both together are the policy's.
    """

    supports_continuous_batching = True

    def __init__(self, policies: Policies, *, coming: float = 1.0) -> None:
        self.policies = read_policies(policies, keeps=KEEPS, keeper="a logits processor")
        self.coming = coming
        self.reset()

    def reset(self) -> None:
        """Forgets the first step's entropy, so that the processor can serve another ``generate``."""
        self._first_entropy: torch.Tensor | None = None
        self._mixture: Any = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> Any:
        temperature = self.temperature(exact(scores)).to(scores.device, torch.float32)[:, None]
        best, index = scores.max(-1, keepdim=True)
        tempered = (scores - best) * (self.coming / temperature.clamp(min=COLDEST))
        greedy = torch.full_like(scores, -torch.inf).scatter_(1, index, 0.0)
        return torch.where(temperature < COLDEST, greedy, tempered.to(scores.dtype))

    def temperature(self, scores: torch.Tensor) -> torch.Tensor:
        """The temperature of each row of ``scores`` at this step, float64 ``[rows]``."""
        if self._mixture is None or len(self._mixture.policies) != len(scores):
            self._mixture = backend.mixture(one_a_row(self.policies, len(scores)), like=scores)
        if "first_entropy" in self._mixture.needs and self._first_entropy is None:
            self._first_entropy = backend.statistics(scores).entropy
        return backend.temperature(scores, self._mixture, first_entropy=self._first_entropy)


def decoding(model: PreTrainedModel, policies: Policies, **filters: Any) -> dict[str, Any]:
    """Keyword arguments for ``model.generate``: the processor, sampling on, and every other sampling field neutral.

    ``filters`` are fields of transformers' own that run after the temperature (``top_p=0.95``, ``top_k=40``,
    ``min_p=0.05``). What the model's generation config sets beside them is named in a warning and does not apply.

        out = model.generate(**inputs, **decoding(model, "edt:t0=0.8,theta=0.2", top_p=0.95), max_new_tokens=64)
    """
    unknown = set(filters) - set(NEUTRAL)
    if unknown or "temperature" in filters:
        raise ValueError(f"filters must be among {', '.join(n for n in NEUTRAL if n != 'temperature')}, got {', '.join(sorted(filters))}")
    overridden = {n: v for n, v in sampling_fields(model.generation_config).items() if n not in filters}
    warn_overridden(overridden, "the policy")
    processors = LogitsProcessorList([PolicyLogitsProcessor(policies)])
    return {**NEUTRAL, **filters, "do_sample": True, "logits_processor": processors}
