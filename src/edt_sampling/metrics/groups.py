"""A group is the K outputs of one prompt: what every metric that looks inside groups checks first."""

from __future__ import annotations

from collections.abc import Sequence


def check_k(k: int, *, least: int) -> None:
    """Nothing, if a group may have ``k`` outputs: ``k >= least``; else a ValueError."""
    if k < least:
        raise ValueError(f"k, the outputs of a prompt, must be {least} or more, got {k}; sample more outputs of each prompt")


def check_groups(groups: Sequence[Sequence[str]], k: int) -> None:
    """Nothing, if every group holds exactly ``k`` outputs.

    One K for all, and K in the signature, because these metrics move with K whatever the model does:
    Self-BLEU of one fixed distribution goes from 0.03 at K = 2 to 0.57 at K = 100.

    Raises:
        TypeError: a group is a string (Python would take it for a list of letters).
        ValueError: a group holds more or fewer than ``k`` outputs.
    """
    for i, group in enumerate(groups):
        if isinstance(group, str):
            raise TypeError(f"groups[{i}] must be a list of strings, got the string {group[:40]!r}")
        if len(group) != k:
            raise ValueError(
                f"groups[{i}] must hold k = {k} outputs, got {len(group)}; values at different K do not compare: "
                f"pass k={len(group)} if all groups have that many, else sample or drop outputs until all agree"
            )
