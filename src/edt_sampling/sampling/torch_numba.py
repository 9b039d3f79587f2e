"""PyTorch tensors on a CPU, float32: the compiled loops of ``numba`` on the tensor's own memory, on torch's number of threads."""

from __future__ import annotations

from typing import Any, Unpack
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from edt_sampling.policies import Mixture
from edt_sampling.sampling import numba
from edt_sampling.sampling.contract import Draw, check_allowed, check_shape
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.statistics import Kept, Statistics
from edt_sampling.sampling.tempering import Temperatures, Tempering
from edt_sampling.sampling.torch_threads import torch_threads


def statistics(logits: Tensor, *, needs: frozenset[str]) -> Statistics:
    """The statistics of ``torch.statistics``, of logits without a filter."""
    return tensors(numba.usable(numba.read(rows(logits), needs=needs, threads=torch_threads())).statistics)


def draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """``torch.draw``; the policies' formulas run in NumPy, whose calls are shorter."""
    check_allowed(filters, frozenset(given))
    there, threads = rows(logits), torch_threads()
    found = numba.usable(numba.read(there, needs=mixture.needs, threads=threads))
    t = numba.temperature_at(found.statistics, _in_numpy(mixture), **given)
    u = numba.column("uniform", uniform, there.count)
    drawn = numba.pick(there, found, t, u, filters.after, threads=threads)
    token, probability, entropy, t = (torch.from_numpy(values) for values in (*drawn, found.statistics.entropy, t))
    return Draw(token, entropy, t, probability)


def _in_numpy(mixture: Mixture) -> Mixture:
    """The same policies with columns of NumPy, made once."""
    if mixture not in _NUMPY:
        _NUMPY[mixture] = numba.mixture(mixture.policies)
    return _NUMPY[mixture]


_NUMPY = WeakKeyDictionary[Mixture, Mixture]()


def rows(logits: Tensor) -> numba.Rows:
    """The rows of ``logits`` ``[rows, vocab]`` where they lie; float16 is copied to float32."""
    check_shape(logits.shape)
    if logits.dtype == torch.bfloat16:
        return numba.rows(logits.detach().view(torch.int16).numpy().view(np.uint16))
    if logits.requires_grad:
        logits = logits.detach()
    return numba.rows((logits.float() if logits.dtype == torch.float16 else logits).numpy())


def temper(logits: Tensor, policies: Temperatures, *, applied: Tensor | float, coming: Tensor | float, out: Tensor) -> Tempering:
    """``torch_tempering.temper_``, into ``out``, which may be ``logits``."""
    there, threads = rows(logits), torch_threads()
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
