"""PyTorch tensors on a CUDA device, float32: Triton's kernels with the errors of ``torch``, for which the host waits once a draw."""

from __future__ import annotations

from typing import Any, Unpack

from torch import Tensor

from edt_sampling.policies import Mixture
from edt_sampling.sampling import triton
from edt_sampling.sampling.contract import Draw, check_allowed, undefined_temperature, unusable_rows
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.statistics import Kept, Statistics
from edt_sampling.sampling.tempering import Temperatures, Tempering


def statistics(logits: Tensor, *, needs: frozenset[str]) -> Statistics:
    """The statistics of ``torch.statistics``, of logits without a filter."""
    found = triton.read(logits, needs=needs)
    _check_rows(logits, found.unusable)
    return found.statistics


def draw(logits: Tensor, mixture: Mixture, *, uniform: Any, filters: Filters = UNFILTERED, **given: Unpack[Kept]) -> Draw:
    """``torch.draw``."""
    check_allowed(filters, frozenset(given))
    return _checked(logits, mixture, triton.draw(logits, mixture, uniform=uniform, filters=filters, **given))


def gumbel_draw(logits: Tensor, mixture: Mixture, *, key: Any, **given: Unpack[Kept]) -> Draw:
    """``gumbel.draw`` of tensors, with noise in float32."""
    return _checked(logits, mixture, triton.gumbel_draw(logits, mixture, key=key, **given))


def temper(logits: Tensor, policies: Temperatures, *, applied: Tensor | float, coming: Tensor | float, out: Tensor) -> Tempering:
    """``torch_tempering.temper_``, into ``out``, which may be ``logits``; the host does not wait."""
    if out is not logits:
        out.copy_(logits)
    return triton.temper_(out, policies, applied=applied, coming=coming)


def _checked(logits: Tensor, mixture: Mixture, drawn: Draw) -> Draw:
    if (failed := drawn.token < 0).any():
        _check_rows(logits, failed)
        raise ValueError(undefined_temperature(mixture, failed.tolist()))
    return drawn


def _check_rows(logits: Tensor, suspect: Tensor) -> None:
    """Raises the error that names the rows which hold no distribution."""
    if suspect.any() and not (maxima := logits.amax(-1)).isfinite().all():
        raise ValueError(unusable_rows(maxima.tolist()))
