"""Costs from times and tokens that are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from edt_sampling.experiments import cost
from edt_sampling.experiments.cost import Measured, costs, measure
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Completion, Request, Setting, Trace

SETTINGS = tuple(Setting(policy=Fixed(temperature=t)) for t in (0.5, 1.0))


def test_ratios_are_of_seconds_a_token_over_all_prompts():
    """3 s for 30 tokens against 9 s for 45: 0.1 and 0.2 s a token, whatever each prompt's share; caches of 100 and 250 bytes."""
    measured = [[Measured(1, 10, 100), Measured(4, 20, 200)], [Measured(2, 20, 100), Measured(5, 25, 300)]]
    first, second = costs(SETTINGS, measured, samples=5)
    assert (first.seconds, first.ratio.mean, first.tokens, first.cache, first.cache_ratio) == (0.1, 1, 3, 100, 1)
    assert (second.seconds, second.ratio.mean, second.tokens, second.cache, second.cache_ratio) == (0.2, 2, 4.5, 250, 2.5)
    assert (first.ratio.low, first.ratio.high) == (1, 1)


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says():
    """300 runs of 20 prompts whose times scatter about ratios of 1.5."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        tokens = rng.integers(20, 60, (20, 2))
        pace = np.array([1.0, 1.5]) * rng.lognormal(0, 0.3, (20, 2)) / np.exp(0.045)
        measured = [[Measured(float(p * t), int(t), None) for p, t in zip(*row, strict=True)] for row in zip(pace, tokens, strict=True)]
        ratio = costs(SETTINGS, measured, samples=1)[1].ratio
        held += ratio.low <= 1.5 <= ratio.high
    assert 0.91 <= held / 300 <= 0.99


def test_an_engine_that_tells_nothing_of_its_cache():
    assert costs(SETTINGS, [[Measured(1, 10, None), Measured(1, 10, None)]] * 2, samples=1)[0].cache is None


class Clockwork:
    """An engine whose clock runs by the temperature of what it decodes."""

    def __init__(self) -> None:
        self.now, self.order = 0.0, []

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        for request in requests:
            (setting,) = request.settings
            self.order.append((request.id, setting.policy.temperature))
            self.now += setting.policy.temperature
            trace = Trace(tokens=np.arange(4), entropy=np.zeros(4), temperature=np.zeros(4), probability=np.ones(4))
            yield [Completion(request=request.id, setting=0, sample=0, text="", finish="end", trace=trace)]

    def cache(self) -> int:
        return 8


def test_each_setting_decodes_alone_and_by_turns(monkeypatch: pytest.MonkeyPatch):
    engine = Clockwork()
    monkeypatch.setattr(cost, "perf_counter", lambda: engine.now)
    requests = [Request(id=i, prompt="p", settings=SETTINGS) for i in range(3)]
    found = list(measure(engine, requests))
    assert engine.order == [(0, 0.5), (0, 1), (0, 0.5), (0, 1), (1, 1), (1, 0.5), (2, 0.5), (2, 1)]
    assert found == [[Measured(0.5, 4, 8), Measured(1.0, 4, 8)]] * 3
