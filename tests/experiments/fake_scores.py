"""Scores and stored stages made of given numbers, for tests that know the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from edt_sampling.experiments.findings import Role
from edt_sampling.experiments.score import Scores
from edt_sampling.experiments.scored import Scored
from edt_sampling.store import ForcedSteps, StoredSetting


def setting(method: str, policy: str, role: Role, filters: str = "temperature") -> StoredSetting:
    return StoredSetting(method=method, policy=policy, filters=filters, role=role)


def fixed(temperature: float, role: Role = "fixed") -> StoredSetting:
    return setting("Fixed", f"fixed:temperature={temperature:g}", role)


def scored_of(settings: Sequence[StoredSetting], quality: Any, diversity: Any, *, sequential: bool = False, **more: np.ndarray) -> Scored:
    """ROUGE-L and Self-BLEU ``[prompts, settings]``, and further qualities by name."""
    values = {"rouge_l": np.asarray(quality, dtype=float), "self_bleu": np.asarray(diversity, dtype=float), **more}
    recorded = {name: np.zeros_like(values["rouge_l"]) for name in ("truncated", "temperature", "entropy")}
    return Scored(
        settings=list(settings),
        stages=["test"] * len(settings),
        scores=Scores(values=recorded | values, signatures=dict.fromkeys(values, "by hand"), prompts=len(values["rouge_l"])),
        metrics=["rouge_l", *more],
        columns=[*values, "eda"],
        sequential=sequential,
    )


def around(means: Sequence[float], *, prompts: int = 40, sd: float = 0.01, seed: int = 0) -> np.ndarray:
    """Values ``[prompts, columns]`` of exactly these means, each column with a noise of its own."""
    noise = np.random.default_rng(seed).normal(size=(prompts, len(means)))
    return np.asarray(means) + sd * (noise - noise.mean(axis=0)) / noise.std(axis=0, ddof=1)


@dataclass
class FakeReader:
    """The parts of a Reader that one stage needs."""

    stored: Sequence[StoredSetting]
    steps: Sequence[ForcedSteps] = ()
    traced: dict[int, list[np.ndarray]] = field(default_factory=dict)

    def settings(self, stage: str) -> list[StoredSetting]:
        return list(self.stored)

    def forced(self, stage: str) -> Iterator[ForcedSteps]:
        yield from self.steps

    def traces(self, stage: str, *, setting: int) -> Iterator[Any]:
        for values in self.traced[setting]:
            yield SimpleNamespace(entropy=values, temperature=values / 10)

    def generations(self, stage: str, *, setting: int) -> Iterator[Any]:
        for values in self.traced[setting]:
            yield SimpleNamespace(tokens=len(values))


def forced_steps(*, entropy: Any, tempered: Any, temperature: Any, nll: Any) -> ForcedSteps:
    """One reference, each ``[settings, tokens]``."""
    return ForcedSteps(*(np.asarray(values, dtype=np.float32) for values in (entropy, temperature, tempered, nll)))
