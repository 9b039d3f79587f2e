"""EDT, and every policy that reads a step's logits, in vLLM: one class for both of its model runners."""
# pyright: reportMissingImports=false, reportUntypedBaseClass=false, reportGeneralTypeIssues=false

from __future__ import annotations

import logging
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import LogitsProcessor as RowProcessor
from vllm.v1.sample.logits_processor import MoveDirectionality

from edt_sampling.engines.vllm.asked import asked
from edt_sampling.engines.vllm.device_slots import DeviceSlots
from edt_sampling.policies.slots import SlotRows
from edt_sampling.sampling.torch_tempering import Tempering, temper_

try:
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor as SlotProcessor
except ImportError:  # before 0.31 the V2 runner takes no processors, and vLLM uses V1 where there are some
    SlotProcessor = object

log = logging.getLogger("vllm.edt_sampling")


class EDTLogitsProcessor(RowProcessor, SlotProcessor):
    """Tempers the rows of requests that carry our fields in ``extra_args`` (HTTP: ``vllm_xargs``), and leaves the others bit for bit.

    The V1 runner calls it behind its own temperature and min-p, with a row for each request of its batch, and says what it moves. The V2
    runner calls it before both, with more rows a request where tokens have been drafted, each of which names its request's slot. In both,
    top-k and top-p follow, and penalties, logit bias and grammar masks have been applied: H is that of what they leave.

    vLLM loads it by its entry point; a second one beside it, as ``--logits-processors`` makes one, does nothing.
    """

    _living: ClassVar[WeakValueDictionary[int, EDTLogitsProcessor]] = WeakValueDictionary()

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        """Raises ValueError for a request whose fields say no policy that can be had here; vLLM answers it with status 400."""
        asked(sampling_params)

    def __init__(self, vllm_config: Any, *place: Any) -> None:
        """``place`` is the device and whether memory is pinned (V1), or the state of the runner's requests (V2)."""
        size = 0 if len(place) > 1 else place[0].max_num_reqs
        self._slots = DeviceSlots(size, device=torch.device(place[0] if len(place) > 1 else place[0].device))
        self._config = vllm_config  # its number is the key below as long as this lives
        self._works = self._living.setdefault(id(vllm_config), self) is self
        if not self._works:
            log.warning("EDTLogitsProcessor is loaded twice: its package's entry point loads it already, leave out --logits-processors")

    def is_argmax_invariant(self) -> bool:
        """True: a temperature above 0 keeps the order of the tokens, and at 0 the best one stays."""
        return True

    def update_state(self, batch_update: Any) -> None:
        """V1: follows the requests of the batch, whose slots are their rows."""
        if batch_update is None:
            return
        for row in batch_update.removed:
            self._slots.put(row, None)
        for row, params, *_ in batch_update.added:
            self._enter(row, params)
        for origin, target, direction in batch_update.moved:
            (self._slots.swap if direction is MoveDirectionality.SWAP else self._slots.move)(origin, target)
        self._slots.flush()

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """V2: takes a request into its slot; whether its logits are going to change."""
        return self._enter(req_idx, sampling_params)

    def apply_staged_writes(self) -> None:
        """V2: sends to the device what has been taken in."""
        self._slots.flush()

    def apply(self, logits: Tensor, ctx: Any = None) -> Tensor:
        """The logits ``[rows, vocab]``, tempered in place; the host does not wait for the device. ``ctx``: the V2 runner's rows."""
        present = self._slots.kinds(slice(len(logits)) if ctx is None else ctx.idx_mapping_np)
        if not present:
            return logits
        rows = self._slots.rows(present, slice(len(logits)) if ctx is None else ctx.expanded_idx_mapping)
        one = torch.ones_like(rows.own)
        applied, coming = (rows.own, one) if ctx is None else (one, rows.own)
        self.temper(logits, rows, applied=applied, coming=coming)
        return logits

    def temper(self, logits: Tensor, rows: SlotRows, *, applied: Tensor, coming: Tensor) -> Tempering:
        """Tempers the logits in place; each row's H and T. Everything that this class does to logits passes through here."""
        return temper_(logits, rows, applied=applied, coming=coming)

    def _enter(self, slot: int, params: Any) -> bool:
        """Takes a request into a slot; False where it is greedy, to which vLLM holds whatever a policy says, or asks for no policy."""
        policy = asked(params) if self._works and params.temperature > 0 else None
        self._slots.put(slot, policy, temperature=params.temperature if policy is not None else 1.0)
        return policy is not None
