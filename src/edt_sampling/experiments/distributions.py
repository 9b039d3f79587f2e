"""How H, T and length are distributed over what was generated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import Distribution
from edt_sampling.store import Reader, StoredSetting

ENTROPY_EDGES = tuple(0.25 * i for i in range(29))
"""Nats, to 7."""
BINS = 24


def shares(values: npt.NDArray[np.floating], edges: Sequence[float]) -> tuple[float, ...]:
    """The share of values in each bin, what lies above the last edge in the last; 0 everywhere where there are none.

    Values are rounded to five decimals first: stored as float32, a temperature of 0.7 is 0.69999999 and would fall short of its edge.
    """
    counts, _ = np.histogram(np.minimum(np.round(values.astype(np.float64), 5), edges[-1]), np.asarray(edges))
    return tuple((counts / max(1, len(values))).tolist())


def token_distributions(reader: Reader, stage: str, settings: Sequence[int]) -> tuple[tuple[Distribution, ...], tuple[Distribution, ...]]:
    """Of H (nats) and of T over all tokens that these settings generated."""
    stored = reader.settings(stage)
    traces = {i: list(reader.traces(stage, setting=i)) for i in settings}
    entropy = {i: np.concatenate([t.entropy for t in found]) for i, found in traces.items()}
    temperature = {i: np.concatenate([t.temperature for t in found]) for i, found in traces.items()}
    top = max(0.1, np.ceil(10 * round(max(float(t.max(initial=0)) for t in temperature.values()), 5)) / 10)
    edges = tuple(round(float(top) * i / BINS, 6) for i in range(BINS + 1))
    return (
        tuple(_distribution(stored[i], ENTROPY_EDGES, values) for i, values in entropy.items()),
        tuple(_distribution(stored[i], edges, values) for i, values in temperature.items()),
    )


def lengths(reader: Reader, stage: str, settings: Sequence[int], longest: int) -> tuple[Distribution, ...]:
    """Of the number of tokens in a text; the last bin holds those that reached the length limit."""
    stored, step = reader.settings(stage), max(1, longest // BINS)
    edges = (*range(0, longest, step), longest, longest + 1)
    tokens = {i: np.array([g.tokens for g in reader.generations(stage, setting=i)], dtype=np.float64) for i in settings}
    return tuple(_distribution(stored[i], edges, values) for i, values in tokens.items())


def _distribution(setting: StoredSetting, edges: Sequence[float], values: npt.NDArray[np.floating]) -> Distribution:
    return Distribution(method=setting.method, policy=setting.policy, edges=tuple(map(float, edges)), shares=shares(values, edges))
