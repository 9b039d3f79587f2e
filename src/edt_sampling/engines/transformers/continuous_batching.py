"""Policies per request in transformers' continuous batching."""

from __future__ import annotations

from typing import Any

import torch
from transformers.generation.continuous_batching import cb_logits_processors
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor

from edt_sampling.engines.fields import SPEC, THETA, requested
from edt_sampling.engines.transformers.processor import PolicyLogitsProcessor
from edt_sampling.policies.policy import Policy
from edt_sampling.policies.slots import SlotRows, Slots
from edt_sampling.sampling.contract import check_kept
from edt_sampling.sampling.torch_tempering import temper_


def serve_per_request() -> None:
    """Makes ``ContinuousBatchingConfig(per_request_processors=True)`` turn a policy's processor into ``PerRequestPolicies``."""
    known: Any = cb_logits_processors.CLASSIC_TO_CB_PROCESSORS_MAP
    known[PolicyLogitsProcessor] = PerRequestPolicies


class PerRequestPolicies(ContinuousBatchingLogitsProcessor):
    """Each request's policy by its ``add_request(..., edt="edt:theta=0.3")`` or ``edt_theta=0.3``; the config's where it names none.

    Each policy that was asked for, with the temperature that comes behind it, has a slot, and a request's number is its slot's. CUDA graphs
    replay the policies that they were captured with: leave them off.
    """

    supported_kwargs = {SPEC: str, THETA: float}  # noqa: RUF012 - declared by the base class
    ignored_kwargs = ()

    def __init__(self, processor: PolicyLogitsProcessor) -> None:
        (self._policy,) = processor.policies
        self._temperature = processor.coming
        self._slots, self._known = Slots(), dict[tuple[Policy, float], int]()
        self._table: torch.Tensor | None = None
        self._version = -1
        self._default = self._slot(self._policy, self._temperature)

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Every row's slot, until a request says otherwise."""
        int32_tensor.fill_(self._default)

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> torch.Tensor:
        """The requests' slots, int32 ``[requests]``."""
        return torch.tensor([self._of(request.state.logit_processor_kwargs) for request in requests_with_new_token], dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        columns = self._on(scores.device)[:, tensor_arg[: len(scores)].long()]
        rows = SlotRows(self._slots.kinds(slice(None)), columns, xp=torch)
        temper_(scores, rows, coming=rows.own)
        return scores

    def _of(self, fields: dict[str, Any]) -> int:
        temperature = fields.get("temperature", self._temperature)
        own = requested(fields, temperature=temperature)
        if own is None and temperature == self._temperature:
            return self._default
        return self._slot(own or self._policy, temperature)

    def _slot(self, policy: Policy, temperature: float) -> int:
        key = (policy, temperature)
        if key not in self._known:
            check_kept([policy], frozenset(), keeper="continuous batching")
            self._known[key] = len(self._known)
            self._slots.put(self._known[key], policy, temperature=temperature)
        return self._known[key]

    def _on(self, device: torch.device) -> torch.Tensor:
        """The table on the scores' device, copied when it has changed."""
        if self._table is None or self._version != self._slots.version:
            self._table, self._version = torch.from_numpy(self._slots.table).to(device, copy=True), self._slots.version
        return self._table
