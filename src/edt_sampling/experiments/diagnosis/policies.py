"""What each policy's texts are like: quality, diversity, entropy, loops; and whether the surest of them are the better ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.diagnosis.estimates import difference, share
from edt_sampling.experiments.diagnosis.findings import Policy
from edt_sampling.experiments.diagnosis.loops import loops
from edt_sampling.experiments.diagnosis.stages import SAMPLES
from edt_sampling.experiments.diagnosis.texts import ReadTexts
from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.score import of_texts
from edt_sampling.significance.bootstrap import mean_interval
from edt_sampling.store import Generation, Reader, StoredExample

FloatArray = npt.NDArray[np.float64]


def scores(reader: Reader, examples: Sequence[StoredExample], metric: Any) -> dict[int, FloatArray]:
    """The score of each setting's texts, by unit and sample."""
    found: dict[int, FloatArray] = {}
    for setting in range(len(reader.settings(SAMPLES))):
        units = groupby(reader.generations(SAMPLES, setting=setting), key=lambda g: g.unit)
        found[setting] = np.concatenate([of_texts(metric, [g.text for g in texts], examples[unit]) for unit, texts in units])
    return found


def policies(reader: Reader, texts: ReadTexts, quality: dict[int, FloatArray], diversity: Any) -> list[Policy]:
    """Every policy's, in the order of the settings."""
    return [
        _policy(setting.policy, list(reader.generations(SAMPLES, setting=number)), texts, number, quality[number], diversity)
        for number, setting in enumerate(reader.settings(SAMPLES))
    ]


def _policy(policy: str, rows: list[Generation], texts: ReadTexts, setting: int, quality: FloatArray, diversity: Any) -> Policy:
    own = texts.of(setting)
    owner, tokens = np.array([text.unit for text in own]), np.array([len(text.tokens) for text in own], dtype=np.float64)
    entropy, prompts = np.array([text.values[:, 0].mean() for text in own]), int(owner.max()) + 1
    groups = [[g.text for g in rows[start : start + len(rows) // prompts]] for start in range(0, len(rows), len(rows) // prompts)]
    surest, ones = entropy <= np.quantile(entropy, 1 / 3), np.ones(len(own))
    return Policy(
        policy=policy,
        texts=len(rows),
        quality=_known(share(quality, ones, owner, prompts)),
        diversity=Estimate(*map(float, mean_interval(diversity.scores(groups), seed=0))),
        entropy=_known(share(entropy, tokens, owner, prompts)),
        temperature=sum((g.mean_temperature or 0.0) * g.tokens for g in rows) / max(1, sum(g.tokens for g in rows)),
        truncated=sum(g.finish == "length" for g in rows) / len(rows),
        looping=_known(share([loops(text.tokens) for text in own], ones, owner, prompts)),
        third=difference(quality, surest, ~surest, owner, prompts) if not surest.all() else None,
    )


def _known(found: Estimate | None) -> Estimate:
    assert found is not None  # every prompt has texts
    return found
