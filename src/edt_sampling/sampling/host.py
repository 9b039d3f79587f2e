"""Arrays of any backend, on the host."""

from __future__ import annotations

from typing import Any

import numpy as np


def host(column: Any) -> np.ndarray:
    """A NumPy array as it is; a torch tensor's numbers as one, bfloat16, which NumPy lacks, as float32."""
    if isinstance(column, np.ndarray):
        return column
    return (column.float() if str(column.dtype) == "torch.bfloat16" else column).detach().cpu().numpy()
