"""Teacher-forcing: what each setting makes of the references, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.distances import RESAMPLES
from edt_sampling.experiments.distributions import ENTROPY_EDGES, shares
from edt_sampling.experiments.findings import Acting, Distribution, Estimate, ForcedPoint
from edt_sampling.policies import Fixed
from edt_sampling.significance.bootstrap import interval, resample_means
from edt_sampling.significance.curve import distance, outside
from edt_sampling.store import Reader, StoredSetting

FloatArray = npt.NDArray[np.float64]
MIXED = 0.01
"""The share of the untempered distribution that is mixed into every policy's before a reference is scored. Without it one token decides:
a policy that goes greedy at a step gives the others probability 0, and a reference that takes one of them costs 60,000 nats."""
UNTEMPERED = str(Fixed(temperature=1))


@dataclass(frozen=True)
class PerToken:
    """Means over all tokens of all references, ``[..., settings]``; ``nll`` with ``MIXED`` of the untempered distribution in it, ``exact``
    without."""

    tempered_entropy: FloatArray
    temperature: FloatArray
    nll: FloatArray
    exact: FloatArray


def per_token(reader: Reader, stage: str) -> PerToken:
    """The means of a teacher-forced stage."""
    sums, tokens = _sums(reader, stage)
    return PerToken(*(sums.sum(axis=0) / tokens.sum()).T)


def forced_points(reader: Reader, stage: str) -> list[ForcedPoint]:
    """Every setting above greedy: its mean tempered entropy, its NLL with an interval over prompts, its distance to the fixed curve."""
    sums, tokens = _sums(reader, stage)
    drawn = resample_means(np.concatenate([sums.reshape(len(sums), -1), tokens[:, None]], axis=1), resamples=RESAMPLES, seed=0)
    ratios = PerToken(*np.moveaxis((drawn[:, :-1] / drawn[:, -1:]).reshape(len(drawn), *sums.shape[1:]), -1, 0))
    means, settings = PerToken(*(sums.sum(axis=0) / tokens.sum()).T), reader.settings(stage)
    low, high = interval(ratios.nll, prompts=len(sums))
    away = _distances(settings, means, ratios, len(sums))
    return [
        ForcedPoint(
            method=setting.method,
            policy=setting.policy,
            temperature=float(means.temperature[i]),
            entropy=float(means.tempered_entropy[i]),
            nll=Estimate(float(means.nll[i]), float(low[i]), float(high[i])),
            exact=float(means.exact[i]),
            distance=away.get(i),
        )
        for i, setting in enumerate(settings)
        if setting.role != "greedy"
    ]


def acting(reader: Reader, stage: str, subject: str) -> Acting:
    """H of the references' steps, and the mean T that each of the subject's policies gives the steps of each bin."""
    settings, steps = reader.settings(stage), list(reader.forced(stage))
    own = [i for i, s in enumerate(settings) if s.method == subject and s.role == "candidate"]
    entropy = np.concatenate([s.entropy[own[0]] for s in steps])
    temperature = np.concatenate([s.temperature[own] for s in steps], axis=1)
    bins = np.clip(np.digitize(entropy, ENTROPY_EDGES) - 1, 0, len(ENTROPY_EDGES) - 2)
    counts = np.bincount(bins, minlength=len(ENTROPY_EDGES) - 1)
    sums = [np.bincount(bins, weights=row, minlength=len(counts)) for row in temperature]
    curves = [tuple(float(s / n) if n else None for s, n in zip(row, counts, strict=True)) for row in sums]
    return Acting(
        entropy=Distribution(method="references", policy="", edges=ENTROPY_EDGES, shares=shares(entropy, ENTROPY_EDGES)),
        temperatures=tuple((settings[i].policy, curve) for i, curve in zip(own, curves, strict=True)),
    )


def _distances(settings: Sequence[StoredSetting], means: PerToken, ratios: PerToken, prompts: int) -> dict[int, Estimate]:
    """NLL less that of the fixed temperature with the same mean tempered entropy, for each candidate that has one."""
    fixed, points = ([i for i, s in enumerate(settings) if s.role == role] for role in ("fixed", "candidate"))

    def of(values: PerToken) -> FloatArray:
        curve = {"curve_diversity": values.tempered_entropy[..., fixed], "curve_quality": values.nll[..., fixed]}
        return distance(values.tempered_entropy[..., points], values.nll[..., points], **curve)

    low, high = interval(of(ratios), prompts=prompts)
    off = outside(means.tempered_entropy[points], curve_diversity=means.tempered_entropy[fixed])
    ends = zip(points, of(means), low, high, off, strict=True)
    return {i: Estimate(float(mean), float(a), float(b)) for i, mean, a, b, missing in ends if not missing}


def _sums(reader: Reader, stage: str) -> tuple[FloatArray, FloatArray]:
    """Sums over a reference's tokens of the columns of PerToken, ``[prompts, settings, 4]``, and its tokens ``[prompts]``."""
    untempered = [s.policy for s in reader.settings(stage)].index(UNTEMPERED)
    steps = list(reader.forced(stage))
    sums = [
        np.stack([s.tempered_entropy, s.temperature, _mixed(s.nll, s.nll[untempered]), s.nll], axis=-1).sum(axis=1, dtype=np.float64)
        for s in steps
    ]
    return np.stack(sums), np.array([s.nll.shape[1] for s in steps], dtype=np.float64)


def _mixed(nll: npt.NDArray[np.float32], untempered: npt.NDArray[np.float32]) -> FloatArray:
    """-ln of (1 - MIXED) times the tempered probability and MIXED times the untempered one."""
    return -np.logaddexp(np.log1p(-MIXED) - nll.astype(np.float64), np.log(MIXED) - untempered.astype(np.float64))
