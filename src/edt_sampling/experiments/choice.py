"""What dev chooses: each method's setting, the fixed temperature to beat, and the subject's fixed matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import Role
from edt_sampling.experiments.forced import per_token
from edt_sampling.experiments.measures import DIVERSITY
from edt_sampling.experiments.scored import Scored
from edt_sampling.experiments.stage import DEV, FORCED
from edt_sampling.metrics.eda import Eda
from edt_sampling.policies import Fixed, policy
from edt_sampling.significance.curve import distance, outside
from edt_sampling.store import Reader, StoredSetting

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """For each method that is judged, the subject first: ``chosen``, its setting farthest above the curve, and ``tuned``, the one with the
    best EDA. ``baseline`` is the policy of the fixed temperature with the best EDA; ``matched`` the temperatures that match the subject's
    chosen setting."""

    chosen: tuple[StoredSetting, ...]
    tuned: tuple[StoredSetting, ...]
    baseline: str
    matched: Mapping[Role, float]


def choose(reader: Reader, dev: Scored, *, matching: bool = True) -> Choice:
    """From the complete dev stages alone; ``matching``: whether references were teacher-forced, without which nothing can be matched."""
    quality, diversity = (dev.scores.values[name].mean(axis=0) for name in (dev.primary, DIVERSITY))
    eda = aim(dev.settings, quality)(quality, diversity).value
    candidates = dev.having("candidate")
    methods = dict.fromkeys(dev.settings[i].method for i in candidates)
    chosen = [dev.settings[best(dev, method)] for method in methods]
    tuned = [dev.settings[min((i for i in candidates if dev.settings[i].method == method), key=lambda i: eda[i])] for method in methods]
    baseline = dev.settings[min(dev.curve, key=lambda i: eda[i])].policy
    matched = _matches(reader, chosen[0]) if matching else {}
    return Choice(chosen=tuple(chosen), tuned=tuple(tuned), baseline=baseline, matched=matched)


def aim(settings: Sequence[StoredSetting], quality: FloatArray) -> Eda:
    """EDA with R the greedy quality, or the best of any setting where greedy is not among them, or 1 where that is 0."""
    greedy = [i for i, s in enumerate(settings) if s.role == "greedy"]
    target = float(quality[greedy[0]] if greedy else quality.max())
    return Eda(target=target if target > 0 else 1.0)


def best(dev: Scored, method: str) -> int:
    """The method's setting farthest above the curve, the first of equals; where none lies on it, the one nearest to its range."""
    quality, diversity = (dev.scores.values[name].mean(axis=0) for name in (dev.primary, DIVERSITY))
    own = [i for i in dev.having("candidate") if dev.settings[i].method == method]
    curve = diversity[dev.curve]
    off = outside(diversity[own], curve_diversity=curve)
    if off.all():
        return own[int(np.argmin(np.maximum(curve.min() - diversity[own], diversity[own] - curve.max())))]
    gains = distance(diversity[own], quality[own], curve_diversity=curve, curve_quality=quality[dev.curve])
    return own[int(np.argmax(np.where(off, -np.inf, gains)))]


def _matches(reader: Reader, subject: StoredSetting) -> dict[Role, float]:
    """Fixed temperatures with the subject's mean tempered entropy, and with its mean temperature, on the references of dev."""
    if isinstance(policy(subject.policy), Fixed):
        return {}
    stage = FORCED[DEV]
    settings, means = reader.settings(stage), per_token(reader, stage)
    own = next(i for i, s in enumerate(settings) if (s.policy, s.filters) == (subject.policy, subject.filters))
    fixed = sorted((_temperature(s), i) for i, s in enumerate(settings) if s.role == "fixed")
    temperatures, order = np.array([t for t, _ in fixed]), [i for _, i in fixed]
    entropies = means.tempered_entropy[order]
    matches: dict[Role, float] = {"matched temperature": round(float(means.temperature[own]), 3)}
    if entropies[0] <= means.tempered_entropy[own] <= entropies[-1]:
        matches = {"matched entropy": round(float(np.interp(means.tempered_entropy[own], entropies, temperatures)), 3), **matches}
    return matches


def _temperature(setting: StoredSetting) -> float:
    found: Any = policy(setting.policy)
    return found.temperature
