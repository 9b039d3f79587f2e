"""The bench itself, on a thousand comparisons drawn from stored scores: what it finds where nothing is, and where something is.

``stored_scores.npz`` holds ROUGE-L and Self-BLEU of the default recipe's settings on the bundled model's dev prompts, K = 5. They are the
population: each comparison draws its dev and test prompts from them with replacement, chooses on dev and judges on test, as a run does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edt_sampling.experiments.choice import best
from edt_sampling.experiments.distances import distances
from edt_sampling.experiments.effects import LEVEL, effects
from edt_sampling.experiments.findings import Effect
from edt_sampling.experiments.score import Scores
from edt_sampling.experiments.scored import Scored
from edt_sampling.significance.curve import distance
from edt_sampling.significance.power import detectable
from edt_sampling.store import StoredSetting

COMPARISONS, RESAMPLES = 1_000, 2_000
DEV, TEST = 60, 200


@pytest.fixture(scope="module")
def population() -> Scored:
    """The stored scores, each candidate's quality moved by a constant so that it lies on the fixed curve: nothing differs."""
    with np.load(Path(__file__).with_name("stored_scores.npz")) as stored:
        settings = [StoredSetting(method=m, policy=p, filters="none", role=r) for m, p, r in stored["settings"].tolist()]
        quality, diversity = stored["quality"].astype(np.float64), stored["diversity"].astype(np.float64)
    curve = [i for i, s in enumerate(settings) if s.role == "fixed"]
    means = quality.mean(axis=0), diversity.mean(axis=0)
    away = distance(means[1], means[0], curve_diversity=means[1][curve], curve_quality=means[0][curve])
    candidate = np.array([s.role == "candidate" for s in settings])
    return scored(settings, quality - np.where(candidate, away, 0), diversity)


def scored(settings: Sequence[StoredSetting], quality: np.ndarray, diversity: np.ndarray, *, sequential: bool = False) -> Scored:
    scores = Scores(values={"rouge_l": quality, "self_bleu": diversity}, signatures={}, prompts=len(quality))
    names = ["rouge_l", "self_bleu"]
    return Scored(settings=settings, stages=["dev"] * len(settings), scores=scores, metrics=names[:1], columns=names, sequential=sequential)


def drawn(population: Scored, generator: np.random.Generator, prompts: int, settings: Sequence[StoredSetting] | None = None) -> Scored:
    rows = generator.integers(population.scores.prompts, size=prompts)
    values = population.scores.values
    return scored(settings or population.settings, values["rouge_l"][rows], values["self_bleu"][rows])


def compared(population: Scored, generator: np.random.Generator) -> list[Effect]:
    """One comparison from dev to verdict."""
    dev = drawn(population, generator, DEV)
    methods = dict.fromkeys(s.method for s in dev.settings if s.role == "candidate")
    chosen = {best(dev, method) for method in methods}
    settings = [replace(s, role="chosen") if i in chosen else s for i, s in enumerate(dev.settings)]
    return effects(drawn(population, generator, TEST, settings), resamples=RESAMPLES)


def test_false_alarms_are_rare_where_nothing_differs(population: Scored):
    """Any alarm in the family of four methods counts."""
    generator = np.random.default_rng(0)
    alarms = sum(any(e.call in ("better", "worse") for e in compared(population, generator)) for _ in range(COMPARISONS))
    assert alarms / COMPARISONS <= LEVEL + 2 * (LEVEL * (1 - LEVEL) / COMPARISONS) ** 0.5
    assert alarms > 0, "a bench that never cries has no power either"


def test_planted_effects_are_found_as_often_as_the_printed_power_says(population: Scored):
    """Each setting of EDT is lifted by what a run of this size says that it finds four times in five."""
    values = population.scores.values
    own = [i for i, s in enumerate(population.settings) if s.method == "EDT"]
    away = distances(values["rouge_l"], values["self_bleu"], curve=population.curve, settings=own, resamples=2)
    lifted = values["rouge_l"].copy()
    lifted[:, own] += [detectable(float(sd), TEST, alpha=LEVEL / 4) for sd in away.sd]
    planted = scored(population.settings, lifted, values["self_bleu"])
    generator = np.random.default_rng(1)
    found = [next(e for e in compared(planted, generator) if e.method == "EDT") for _ in range(COMPARISONS)]
    hits = sum(e.call == "better" for e in found)
    assert hits / COMPARISONS == pytest.approx(0.8, abs=2 * (0.8 * 0.2 / COMPARISONS) ** 0.5)
    assert not any(e.call == "worse" for e in found)


def test_looking_again_and_again_raises_no_more_alarms(population: Scored):
    """200 runs with ``until``, in which nothing differs, looked at six times up to 1,000 prompts: an alarm at any look counts."""
    generator, runs = np.random.default_rng(2), 200
    settings = [replace(s, role="chosen") if i in _middle_candidates(population) else s for i, s in enumerate(population.settings)]
    alarms = 0
    for _ in range(runs):
        whole = drawn(population, generator, 1_000, settings).scores.values
        looks = (scored(settings, *(whole[name][:n] for name in whole), sequential=True) for n in (100, 200, 400, 600, 800, 1_000))
        alarms += any(e.call in ("better", "worse") for look in looks for e in effects(look, resamples=100))
    assert alarms / runs <= LEVEL + 2 * (LEVEL * (1 - LEVEL) / runs) ** 0.5


def _middle_candidates(population: Scored) -> set[int]:
    """The middle setting of each method."""
    methods = [s.method if s.role == "candidate" else "" for s in population.settings]
    return {methods.index(method) + methods.count(method) // 2 for method in methods if method}
