"""Degenerate loops: a text that says the same few tokens over and over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LONGEST = 8
"""Tokens of the longest block that is looked for."""
TIMES = 4
"""A block is a loop once it stands so often in a row, over at least ``LEAST`` tokens."""
LEAST = 8


def loops(tokens: npt.NDArray[np.integer]) -> bool:
    """Whether a block of up to ``LONGEST`` tokens stands ``TIMES`` times or more in a row somewhere, over ``LEAST`` tokens or more.

    Such texts are what Holtzman et al. 2020, "The curious case of neural text degeneration", call degenerate; the thresholds are ours.
    """
    for length in range(1, LONGEST + 1):
        again = tokens[length:] == tokens[:-length]
        wanted = max(TIMES * length, LEAST) - length  # a run of so many repeated tokens behind the block's first time
        run = 0
        for same in again.tolist():
            run = run + 1 if same else 0
            if run >= wanted:
                return True
    return False
