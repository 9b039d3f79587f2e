"""PyTorch tensors on a CPU, float32: the compiled loops of ``numba`` on the tensor's own memory, on torch's number of threads."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from edt_sampling.policies import Mixture
from edt_sampling.sampling import numba
from edt_sampling.sampling.contract import Draw, check_allowed, check_shape
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.statistics import Kept, Statistics
from edt_sampling.sampling.tempering import Temperatures, Tempering

ACCEPTED = (torch.float16, torch.bfloat16, torch.float32)


def takes(logits: Tensor) -> bool:
    """Whether these logits are for the fast path: on the CPU, and of a dtype that float32 holds."""
    return logits.device.type == "cpu" and logits.dtype in ACCEPTED


def statistics(logits: Tensor, *, needs: frozenset[str]) -> Statistics:
    """The statistics of ``torch.statistics``, of logits without a filter."""
    return tensors(numba.usable(numba.read(rows(logits), needs=needs, threads=torch.get_num_threads())).statistics)


def draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """``torch.draw``."""
    from edt_sampling.sampling.torch import temperature_at  # it asks this module before it does the work itself

    check_allowed(filters, frozenset(given))
    there, threads = rows(logits), torch.get_num_threads()
    found = numba.usable(numba.read(there, needs=mixture.needs, threads=threads))
    read = tensors(found.statistics)
    t = temperature_at(read, mixture, **given)
    u = numba.column("uniform", uniform, there.count)
    drawn = numba.pick(there, found, t.numpy(), u, filters.after, threads=threads)
    token, probability = (torch.from_numpy(values) for values in drawn)
    return Draw(token, read.entropy, t, probability)


def rows(logits: Tensor) -> numba.Rows:
    """The rows of ``logits`` ``[rows, vocab]`` where they lie; float16 is copied to float32."""
    check_shape(logits.shape)
    if logits.dtype == torch.bfloat16:
        return numba.rows(logits.detach().view(torch.int16).numpy().view(np.uint16))
    return numba.rows((logits.float() if logits.dtype == torch.float16 else logits).detach().numpy())


def temper(logits: Tensor, policies: Temperatures, *, applied: Tensor | float, coming: Tensor | float, out: Tensor) -> Tempering:
    """``torch_tempering.temper_``, into ``out``, which may be ``logits``."""
    there, threads = rows(logits), torch.get_num_threads()
    target = out if out.dtype != torch.float16 and out.stride(1) == 1 else torch.empty(out.shape)
    found = numba.read(there, needs=policies.needs, scale=_numbers(applied), threads=threads)
    read = tensors(found.statistics)
    t = policies.temperature(read).to(torch.float64, copy=True)  # a policy may hand out its own column
    numba.temper(there, found, t.numpy(), _numbers(applied), _numbers(coming), rows(target), threads=threads)
    if target is not out:
        out.copy_(target)
    return Tempering(read.entropy, t)


def _numbers(values: Tensor | float) -> Any:
    return values.numpy() if isinstance(values, Tensor) else values


def tensors(read: Statistics) -> Statistics:
    """The same numbers as tensors."""
    return Statistics(**{name: torch.from_numpy(values) for name, values in vars(read).items() if values is not None})
