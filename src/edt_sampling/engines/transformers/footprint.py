"""How much memory generating takes."""

from __future__ import annotations

import torch

from edt_sampling.engines.decoding.footprint import resident


def held(device: torch.device) -> int | None:
    """Bytes: on CUDA the most that was allocated since the last call, elsewhere what this process holds; None where nothing is known."""
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        return peak
    return resident()
