"""What a setting costs: time and memory, measured beside a fixed temperature on the same prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import Estimate
from edt_sampling.protocol import Completion, Engine, Request, Setting
from edt_sampling.significance.bootstrap import interval, resample_means

FloatArray = npt.NDArray[np.float64]
RESAMPLES = 10_000


@dataclass(frozen=True)
class Measured:
    """One prompt under one setting: seconds, tokens generated, and the most bytes that keys and values took."""

    seconds: float
    tokens: int
    cache: int | None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A setting over all prompts. ``seconds`` a token; ``ratio`` of that to the first setting's, both measured by turns on the same
    prompts, with its 95% interval over prompts; ``tokens`` a text; ``cache``: the most bytes of keys and values, the mean over prompts, and
    ``cache_ratio`` to the first setting's, None where the engine does not tell."""

    policy: str
    filters: str
    seconds: float
    ratio: Estimate
    tokens: float
    cache: float | None
    cache_ratio: float | None


def measure(engine: Engine, requests: Sequence[Request]) -> Iterator[list[Measured]]:
    """For each request, each of its settings decoded alone, the first setting at another place in every turn.

    The first request is decoded once more beforehand, under every setting and unmeasured.
    """
    for setting in requests[0].settings:
        _decode(engine, requests[0], setting)
    for turn, request in enumerate(requests):
        count = len(request.settings)
        found = {i % count: _timed(engine, request, request.settings[i % count]) for i in range(turn, turn + count)}
        yield [found[i] for i in range(count)]


def costs(settings: Sequence[Setting], measured: Sequence[Sequence[Measured]], *, samples: int) -> list[Cost]:
    """The costs of settings from what was measured on prompts, ``[prompts][settings]``."""
    seconds = np.array([[m.seconds for m in row] for row in measured])
    tokens = np.array([[m.tokens for m in row] for row in measured], dtype=np.float64)
    both = np.stack([seconds, tokens], axis=-1)
    ratios, ends = _ratios(both.mean(axis=0)), interval(_ratios(resample_means(both, resamples=RESAMPLES, seed=0)), prompts=len(measured))
    caches = _caches(measured)
    return [
        Cost(
            policy=str(setting.policy),
            filters=str(setting.filters),
            seconds=float(seconds[:, i].sum() / tokens[:, i].sum()),
            ratio=Estimate(float(ratios[i]), *(float(end[i]) for end in ends)),
            tokens=float(tokens[:, i].mean() / samples),
            cache=None if caches is None else float(caches[i]),
            cache_ratio=None if caches is None else float(caches[i] / caches[0]),
        )
        for i, setting in enumerate(settings)
    ]


def _ratios(both: FloatArray) -> FloatArray:
    """Seconds a token of each setting over the first one's; ``[..., settings, 2]`` in."""
    pace = both[..., 0] / both[..., 1]
    return pace / pace[..., :1]


def _caches(measured: Sequence[Sequence[Measured]]) -> FloatArray | None:
    """The mean over prompts, ``[settings]``; None where the engine does not tell."""
    found = [[m.cache for m in row if m.cache is not None] for row in measured]
    return np.array(found, dtype=np.float64).mean(axis=0) if all(len(row) == len(measured[0]) for row in found) else None


def _timed(engine: Engine, request: Request, setting: Setting) -> Measured:
    began = perf_counter()
    completions = _decode(engine, request, setting)
    return Measured(perf_counter() - began, sum(len(c.trace.tokens) for c in completions), engine.cache())


def _decode(engine: Engine, request: Request, setting: Setting) -> list[Completion]:
    (completions,) = engine.generate([replace(request, settings=(setting,))])
    return completions
