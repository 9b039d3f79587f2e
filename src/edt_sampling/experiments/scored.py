"""A stage's settings with their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edt_sampling.experiments.findings import StageName
from edt_sampling.experiments.measures import qualities
from edt_sampling.experiments.score import Scores, score
from edt_sampling.experiments.stage import DEV, SHUFFLED, TEST
from edt_sampling.store import Reader, StoredSetting


@dataclass(frozen=True, kw_only=True)
class Scored:
    """``stages[i]`` is where setting i was decoded; ``metrics`` are the qualities, the primary one first; ``columns`` all metrics;
    ``sequential``: whether it was, or may have been, looked at before, so that what is said must hold at every look."""

    settings: Sequence[StoredSetting]
    stages: Sequence[StageName]
    scores: Scores
    metrics: Sequence[str]
    columns: Sequence[str]
    sequential: bool = False

    @property
    def primary(self) -> str:
        """The metric that the verdict is about."""
        return self.metrics[0]

    @property
    def curve(self) -> list[int]:
        """The settings of the fixed temperatures' curve."""
        return self.having("fixed", "baseline")

    def having(self, *roles: str) -> list[int]:
        """The settings with one of these parts."""
        return [i for i, s in enumerate(self.settings) if s.role in roles]


def scored_dev(reader: Reader, metrics: Sequence[Any]) -> Scored:
    """The dev stage."""
    return scored(reader, DEV, score(reader, DEV, metrics), metrics)


def scored_test(reader: Reader, metrics: Sequence[Any]) -> Scored:
    """The test stage, with the shuffled one's setting behind its own where there is one."""
    looks = reader.looks()
    sequential = len(looks) > 1 or any(look.sequential for look in looks)
    test = scored(reader, TEST, score(reader, TEST, metrics), metrics, sequential=sequential)
    if SHUFFLED not in reader.stages():
        return test
    shuffled = scored(reader, SHUFFLED, score(reader, SHUFFLED, metrics), metrics)
    values = {name: np.concatenate([test.scores.values[name], shuffled.scores.values[name]], axis=1) for name in test.scores.values}
    return Scored(
        settings=[*test.settings, *shuffled.settings],
        stages=[*test.stages, *shuffled.stages],
        scores=Scores(values=values, signatures=test.scores.signatures, prompts=test.scores.prompts),
        metrics=test.metrics,
        columns=test.columns,
        sequential=sequential,
    )


def scored(reader: Reader, stage: StageName, scores: Scores, metrics: Sequence[Any], *, sequential: bool = False) -> Scored:
    """A stage's settings with these scores of it."""
    settings = reader.settings(stage)
    names = [metric.name for metric in qualities(metrics)]
    columns = [metric.name for metric in metrics]
    return Scored(settings=settings, stages=[stage for _ in settings], scores=scores, metrics=names, columns=columns, sequential=sequential)
