"""A logits processor for mlx-lm: all of T ahead of mlx-lm's own truncation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
from mlx_lm.sample_utils import make_sampler

from edt_sampling.engines.mlx.rows import TemperedRows
from edt_sampling.engines.one_a_row import Policies

Processor = Callable[[mx.array, mx.array], mx.array]


class PolicyLogitsProcessor:
    """Divides each row's logits by the temperature that its policy gives it: all of it, ``t0`` included, so mlx-lm's own must be 1.

    mlx-lm truncates first and divides by its temperature last: a policy's t0 left to ``make_sampler`` would come behind top-p, which
    would then see another distribution. Processors run in the order of their list; put this one behind penalties. The result is
    float32, whatever the model's dtype. ``rows`` holds the last step's entropy and temperature.
    """

    def __init__(self, policies: Policies) -> None:
        self.rows = TemperedRows(policies, keeper="the MLX logits processor")

    def __call__(self, tokens: mx.array, logits: mx.array) -> mx.array:
        """``logits`` ``[rows, vocab]``, tempered."""
        return self.rows(logits)


def decoding(policies: Policies, *, processors: Sequence[Processor] = (), **filters: Any) -> dict[str, Any]:
    """Keyword arguments for mlx-lm's ``generate``, ``stream_generate`` and ``generate_step``: ``logits_processors`` and ``sampler``.

    ``processors`` run ahead of the policy (penalties, grammar); ``filters`` are ``make_sampler``'s own arguments (``top_p=0.95``,
    ``min_p=0.05``, ``top_k=40``), behind it. New ones for every text where a policy remembers its text.
    """
    known = [name for name in inspect.signature(make_sampler).parameters if name != "temp"]
    if unknown := sorted(filters.keys() - set(known)):
        hint = ": the policy is the temperature" if unknown[0] in ("temp", "temperature") else ""
        raise ValueError(f"filters must be among {', '.join(known)}, got {unknown[0]}{hint}")
    return {"logits_processors": [*processors, PolicyLogitsProcessor(policies)], "sampler": make_sampler(temp=1.0, **filters)}
