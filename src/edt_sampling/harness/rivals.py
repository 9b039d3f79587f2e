"""Policies beside each other: each metric's mean over documents, and the paired difference to the first fixed temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edt_sampling.harness.answers import Pass
from edt_sampling.policies import Fixed, policy
from edt_sampling.significance.bootstrap import mean_interval

FloatArray = npt.NDArray[np.float64]
SAME = 1e-9  # the mean of a metric's values is what the harness reports, to rounding


@dataclass(frozen=True, kw_only=True)
class Score:
    """One metric of one policy. ``metric`` is the harness's ``metric,filter``; ``passes`` is how often each document was answered.

    ``error`` is the standard error over ``documents``, each with the mean of its passes. ``difference`` is the mean over documents of the
    policy's value less the baseline's, from ``low`` to ``high`` in 95% (bootstrap over documents). All four are None for a metric that is
    no mean over documents (corpus BLEU) or has fewer than two of them, and the last three for the baseline itself.
    """

    task: str
    metric: str
    policy: str
    documents: int
    passes: int
    mean: float
    error: float | None
    difference: float | None
    low: float | None
    high: float | None


def baseline(policies: Sequence[str]) -> str:
    """The first fixed temperature. Raises ValueError where there is none, or nothing to hold against it."""
    fixed = [spec for spec in policies if isinstance(policy(spec), Fixed)]
    if not fixed or len(policies) < 2:
        raise ValueError(
            f"policies must hold a fixed temperature and another policy to hold against it, got {', '.join(policies) or 'none'}"
        )
    return fixed[0]


def scores(passes: Sequence[Pass]) -> list[Score]:
    """By task and metric, the policies in their order."""
    policies = list(dict.fromkeys(p.policy for p in passes))
    base = baseline(policies)
    found: list[Score] = []
    for task, reported in passes[0].reported.items():
        for metric in reported:
            own = {spec: [p for p in passes if p.policy == spec] for spec in policies}
            values = {spec: _documents(task, metric, of) for spec, of in own.items()}
            found += [_score(task, metric, spec, own[spec], values[spec], None if spec == base else values[base]) for spec in policies]
    return found


def _documents(task: str, metric: str, passes: Sequence[Pass]) -> FloatArray | None:
    """Each document's mean over the passes; None where the harness makes something else of the values than their mean."""
    values = [p.values[task].get(metric, [None]) for p in passes]
    if any(value is None for column in values for value in column):
        return None
    table = np.array(values, dtype=np.float64)
    means = [p.reported[task][metric] for p in passes]
    return table.mean(axis=0) if np.allclose(table.mean(axis=1), means, rtol=0, atol=SAME) else None


def _score(task: str, metric: str, spec: str, passes: Sequence[Pass], values: FloatArray | None, base: FloatArray | None) -> Score:
    documents = len(passes[0].texts[task])
    error = None if values is None or documents < 2 else float(values.std(ddof=1) / documents**0.5)
    paired = None if values is None or base is None or documents < 2 else mean_interval(values - base, seed=0)
    return Score(
        task=task,
        metric=metric,
        policy=spec,
        documents=documents,
        passes=len(passes),
        mean=float(np.mean([p.reported[task][metric] for p in passes])),
        error=error,
        difference=float(paired.mean) if paired else None,
        low=float(paired.low) if paired else None,
        high=float(paired.high) if paired else None,
    )
