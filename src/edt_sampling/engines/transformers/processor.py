"""A logits processor for the user's own ``model.generate``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel

from edt_sampling.engines.one_a_row import Policies, one_a_row, read_policies
from edt_sampling.engines.transformers.generation_config import NEUTRAL, sampling_fields, warn_overridden
from edt_sampling.policies import Mixture
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.contract import undefined_temperature, unusable_rows
from edt_sampling.sampling.statistics import Statistics
from edt_sampling.sampling.tempering import Tempering
from edt_sampling.sampling.torch_tempering import tempered

KEEPS = frozenset({"first_entropy"})
"""What a processor can keep; the mean so far it cannot, because it may see other rows at every call."""


class PolicyLogitsProcessor(LogitsProcessor):
    """Divides each row's scores by the temperature that its policy gives it: all of it, ``t0`` included.

    ``policies`` is one policy or spec string for all rows, or a list with one a row. transformers runs custom
    processors after its penalties and before its own temperature, top-k and top-p, whose defaults include
    ``top_k=50``; pass ``temperature=1.0, top_k=0`` to ``generate``, or use ``decoding`` below, which does.
    A row at T = 0 keeps its maximum alone. Raises ValueError on a CPU for a row with NaN, +inf or nothing but -inf; on a device, which the
    host would have to wait for, such a row stays as it came. An instance-level policy reads the entropy of the first call after
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
        self._policies: RowPolicies | None = None

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> Any:
        policies = self._rows(scores)
        result, found = tempered(scores, policies, coming=self.coming)
        if scores.device.type == "cpu":  # elsewhere the host would wait
            _check(scores, found, policies.mixture)
        return result

    def temperature(self, scores: torch.Tensor) -> torch.Tensor:
        """The temperature of each row of ``scores`` at this step, float64 ``[rows]``."""
        policies = self._rows(scores)
        return policies.temperature(backend.statistics(scores, needs=policies.needs))

    def _rows(self, scores: torch.Tensor) -> RowPolicies:
        if self._policies is None or len(self._policies.mixture.policies) != len(scores):
            self._policies = RowPolicies(backend.mixture(one_a_row(self.policies, len(scores)), like=scores))
        return self._policies


class RowPolicies:
    """A batch's policies, and the entropy that each row's first step had."""

    def __init__(self, mixture: Mixture) -> None:
        self.mixture, self.needs = mixture, (mixture.needs | {"entropy"}) - KEEPS
        self._first_entropy: torch.Tensor | None = None

    def temperature(self, statistics: Statistics) -> torch.Tensor:
        """The temperature of each row, ``[rows]``; the first statistics are those of the first step."""
        if self._first_entropy is None:
            self._first_entropy = statistics.entropy.clone()
        return self.mixture.temperature(replace(statistics, first_entropy=self._first_entropy))


def _check(scores: torch.Tensor, found: Tempering, mixture: Mixture) -> None:
    """Raises ValueError for rows that were left as they came."""
    if not found.temperature.isnan().any():
        return
    maxima = scores.amax(-1)
    if not maxima.isfinite().all():
        raise ValueError(unusable_rows(maxima.tolist()))
    raise ValueError(undefined_temperature(mixture, found.temperature.isnan().tolist()))


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
