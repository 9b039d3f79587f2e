"""Logits where float64 can be computed."""

from __future__ import annotations

import torch


def exact(logits: torch.Tensor) -> torch.Tensor:
    """The logits themselves, or their copy on the CPU where their device has no float64 (Apple's MPS)."""
    return logits.cpu() if logits.device.type == "mps" else logits
