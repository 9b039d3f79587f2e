"""The candidates' logits, which lie three words apart in llama.cpp's memory, side by side: compiled."""
# pyright: reportUntypedFunctionDecorator=false, reportMissingImports=false, reportCallIssue=false

from __future__ import annotations

from typing import Any

import numpy as np

from edt_sampling.sampling.numba_kernels import kept, widest


@kept
def gather(words: Any, logits: Any) -> Any:
    """Fills ``logits`` ``[candidates]`` from the records' ``words`` ``[3 * candidates]``, both as int32.

    Returns whether the tokens stand in ascending order of their numbers.
    """
    widest()
    descents, last = np.int32(0), np.int32(-1)
    for i in range(logits.size):
        logits[i] = words[3 * i + 1]
        descents |= np.int32(words[3 * i] <= last)
        last = words[3 * i]
    return descents == 0
