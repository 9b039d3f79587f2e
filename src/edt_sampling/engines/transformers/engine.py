"""The engine: a prompt with all its settings and samples decodes as one unit over one prefix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
import transformers

import edt_sampling
from edt_sampling.engines.decoding.guidance import Guidance, guided_by
from edt_sampling.engines.decoding.local import LocalEngine
from edt_sampling.engines.decoding.loop import decode
from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.engines.decoding.rows import Rows, rows_of
from edt_sampling.engines.decoding.stopping import Stopping
from edt_sampling.engines.transformers import footprint
from edt_sampling.engines.transformers.forcing import dropping, forced_logits
from edt_sampling.engines.transformers.generation_config import sampling_fields, warn_overridden
from edt_sampling.engines.transformers.prefill import Continuation, Prefill, prefill
from edt_sampling.engines.transformers.prefix import ATTENTION, shares_prefix
from edt_sampling.engines.transformers.prompt_entropy import prompt_entropy
from edt_sampling.protocol import Completion, Request
from edt_sampling.sampling import torch as torch_backend
from edt_sampling.sampling.contract import Backend
from edt_sampling.sampling.float32 import arithmetic

CACHE_BYTES = 1 << 30
WIDE = 8  # rows of one request from which on it decodes alone, over a shared prefix
BACKEND = cast(Backend, torch_backend)


class TransformersEngine(LocalEngine):
    """Generates with a causal language model and its tokenizer (transformers' own), loaded by ``load`` or by the caller.

    A request of ``WIDE`` rows or more is prefilled once and decodes alone; its prefix is shared by its rows where the model
    allows it and copied otherwise. Smaller requests are batched, padded on the left. Either way the cache of rows that
    decode together stays under ``cache_bytes``. The model's attention implementation is set to this engine's own.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str = "model",
        fingerprint: str = "",
        cache_bytes: int = CACHE_BYTES,
        chat: bool = False,
    ) -> None:
        positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        super().__init__(Prompts(tokenizer, name=name, positions=positions, chat=chat), backend=BACKEND)
        self.model, self.tokenizer = model.eval(), tokenizer
        self.name, self.fingerprint, self.cache_bytes = name, fingerprint, cache_bytes
        self.not_shared = _why_not_shared(model)
        warn_overridden(sampling_fields(model.generation_config), "the policy of each request")

    def describe(self) -> dict[str, Any]:
        """What a reader of the results must know to repeat them."""
        return {
            "engine": "transformers",
            "edt_sampling": edt_sampling.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
            "model": self.name,
            "fingerprint": self.fingerprint,
            "parameters": self.model.num_parameters(),
            "device": str(self.model.device),
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "draws": arithmetic("triton" if self.model.device.type == "cuda" else "numba"),
            "prefix": "shared" if self.not_shared is None else f"copied: {self.not_shared}",
        }

    @torch.inference_mode()
    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        """For each request in turn, its completions, settings in order and samples within them."""
        for request in requests:
            self.check(request)
        self._cache_bytes = 0
        for batch in self._batches(requests):
            yield from self._run(batch)

    def memory(self) -> int | None:
        """Bytes: on CUDA the most that was allocated since the last call, elsewhere what the process holds; None where unknown."""
        return footprint.held(self.model.device)

    # --- what decodes together -----------------------------------------------------------------

    def _batches(self, requests: Sequence[Request]) -> Iterator[list[Request]]:
        """Wide requests alone, runs of narrow ones together while they end alike."""
        batch: list[Request] = []
        for request in requests:
            if batch and not (_narrow(request) and _narrow(batch[0]) and _ending(request) == _ending(batch[0]) and len(batch) < WIDE):
                yield batch
                batch = []
            batch.append(request)
        if batch:
            yield batch

    def _run(self, batch: Sequence[Request]) -> Iterator[list[Completion]]:
        start = prefill(self.model, [self._prompt(r) for r in batch])
        guided = [i for i, request in enumerate(batch) if guided_by(request)]
        without = prefill(self.model, [self._without(batch[i]) for i in guided]) if guided else None
        ahead = [self._foreseen(request) for request in batch]
        rows, steps = rows_of(batch), batch[0].max_new_tokens
        room = self._rows_at_once([s for s in (start, without) if s], steps)
        stopping = Stopping(self.tokenizer, self._end_tokens(), batch[0].stop)
        done: dict[int, list[Completion]] = {i: [] for i in range(len(batch))}
        while chunk := list(islice(rows, room)):
            state = Rows(batch, chunk, foreseen=ahead, backend=BACKEND, like=start.logits)
            guidance = None
            if without and state.guided:
                owner = [guided.index(chunk[i].request) for i in state.guided]
                guidance = Guidance(self._continuation(without, owner, steps), state.guided, backend=BACKEND)
            stream = self._continuation(start, [row.request for row in chunk], steps)
            completions, held = decode(batch, state, stream, stopping, guidance=guidance)
            self._cache_bytes = max(self._cache_bytes or 0, held)
            for completion, row in zip(completions, chunk, strict=True):
                done[row.request].append(completion)
        yield from done.values()

    def _continuation(self, start: Prefill, owner: Sequence[int], steps: int) -> Continuation:
        return Continuation(self.model, start, owner, room=steps, shared=self._shares(start))

    def _rows_at_once(self, starts: Sequence[Prefill], steps: int) -> int:
        """How many rows the cache's limit allows, each of them in every stream."""
        prefix = row = 0
        for start in starts:
            prefix += start.token_bytes * start.mask.numel()
            row += start.token_bytes * (steps if self._shares(start) else steps + start.mask.shape[1])
        rows = (self.cache_bytes - prefix) // row
        if rows < 1:
            raise ValueError(f"cache_bytes={self.cache_bytes} holds no row of this prompt: it needs at least {prefix + row}")
        return rows

    def _shares(self, start: Prefill) -> bool:
        return self.not_shared is None and len(start.mask) == 1 and shares_prefix(start.cache)

    # --- logits ------------------------------------------------------------------------------

    @torch.inference_mode()
    def _logits(self, prompt: Sequence[int], text: Sequence[int], *, dropout: int | None = None) -> torch.Tensor:
        with dropping(self.model, dropout) if dropout is not None else nullcontext():
            return forced_logits(self.model, prompt, text)

    def _prompt_entropy(self, prompt: Sequence[int]) -> float:
        return prompt_entropy(self.model, prompt)

    def _end_tokens(self) -> list[int]:
        named = self.model.generation_config.eos_token_id
        ends = set(named if isinstance(named, list) else [named]) | {self.tokenizer.eos_token_id}
        return sorted(e for e in ends if e is not None)


def _narrow(request: Request) -> bool:
    return len(request.settings) * request.samples < WIDE


def _ending(request: Request) -> tuple[int, tuple[str, ...]]:
    return request.max_new_tokens, request.stop


def _why_not_shared(model: Any) -> str | None:
    """Tries a step both ways; None where rows can share a prefix, else the reason. Leaves the attention set accordingly."""
    before = model.config._attn_implementation
    if not model._can_set_attn_implementation():
        return "the model has an attention of its own"
    try:
        copied = _trial(model, shared=False)
        model.set_attn_implementation(ATTENTION)
        shared = _trial(model, shared=True)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
    else:
        if shared is not None and torch.allclose(copied, shared, rtol=1e-2, atol=1e-2 * float(copied.abs().max())):
            return None
        reason = "the cache does not keep every position" if shared is None else "the model's attention is not plain"
    model.set_attn_implementation(before)
    return reason


@torch.inference_mode()
def _trial(model: Any, *, shared: bool) -> Any:
    """Logits of two rows two steps behind a prompt of five tokens; None where the cache cannot be shared."""
    start = prefill(model, [[1, 2, 3, 4, 5]])
    if shared and not shares_prefix(start.cache):
        return None
    running = Continuation(model, start, [0, 0], room=2, shared=shared)
    for tokens in ([1, 2], [3, 4]):
        running.step(np.array(tokens))
    return running.logits.float()
