"""What one pass brought: a policy's answers to all documents, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Values = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One policy over all documents, once. By task: ``values`` of each metric (``metric,filter`` as the harness writes it), one a document,
    None where it is no number; ``reported``, what the harness makes of them; ``texts``, the answers to each document."""

    policy: str
    seed: int
    repeat: int
    seconds: float
    values: Mapping[str, Values]
    reported: Mapping[str, Mapping[str, float]]
    texts: Mapping[str, Sequence[Sequence[str]]]
