"""Where a policy acts: the temperatures that it gives at each entropy, and whether the model is right where it cools."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.diagnosis.estimates import RESAMPLES, difference, estimate, share
from edt_sampling.experiments.diagnosis.findings import Acting
from edt_sampling.experiments.diagnosis.outcomes import tokens_of
from edt_sampling.experiments.diagnosis.stages import SAMPLES
from edt_sampling.experiments.diagnosis.texts import ReadTexts
from edt_sampling.experiments.distributions import ENTROPY_EDGES, shares
from edt_sampling.experiments.findings import Distribution, Estimate
from edt_sampling.experiments.stage import DEV, FORCED
from edt_sampling.significance.separation import separation
from edt_sampling.store import Reader

FloatArray = npt.NDArray[np.float64]
COOL = 0.9
"""A policy cools a step that it gives less than this share of the hottest T that it gives any of the references' steps."""


def acting(reader: Reader, texts: ReadTexts) -> list[Acting]:
    """Every policy's, in the order of the settings."""
    _, right, owner = tokens_of(texts.references)
    forced = np.concatenate([steps.temperature for steps in reader.forced(FORCED[DEV])], axis=1).astype(np.float64)
    return [
        _policy(setting.policy, reader, texts, number, forced[number], right, owner)
        for number, setting in enumerate(reader.settings(SAMPLES))
    ]


def distribution(name: str, entropy: FloatArray) -> Distribution:
    """How H, in nats, is distributed over steps."""
    return Distribution(method=name, policy="", edges=ENTROPY_EDGES, shares=shares(entropy, ENTROPY_EDGES))


def _policy(
    policy: str,
    reader: Reader,
    texts: ReadTexts,
    setting: int,
    forced: FloatArray,
    right: npt.NDArray[np.bool_],
    owner: npt.NDArray[np.int64],
) -> Acting:
    entropy = np.concatenate([text.values[:, 0] for text in texts.of(setting)])
    temperature = np.concatenate([trace.temperature for trace in reader.traces(SAMPLES, setting=setting)]).astype(np.float64)
    low, high = np.quantile(temperature, [0.05, 0.95])
    cool, prompts = forced < COOL * forced.max(), int(owner.max()) + 1
    cooled = share(cool, np.ones(len(cool)), owner, prompts)
    assert cooled is not None  # there is a step
    both = bool(cool.any() and not cool.all())
    return Acting(
        policy=policy,
        entropy=distribution(policy, entropy),
        temperatures=_by_entropy(entropy, temperature),
        low=float(low),
        high=float(high),
        cooled=cooled,
        right=share(right, cool, owner, prompts) if both else None,
        elsewhere=share(right, ~cool, owner, prompts) if both else None,
        gap=difference(right, cool, ~cool, owner, prompts) if both else None,
        auroc=_auroc(forced, right, owner) if both else None,
    )


def _by_entropy(entropy: FloatArray, temperature: FloatArray) -> tuple[float | None, ...]:
    """The mean temperature in each bin of entropy."""
    bins = np.clip(np.digitize(entropy, ENTROPY_EDGES) - 1, 0, len(ENTROPY_EDGES) - 2)
    counts, sums = (np.bincount(bins, weights=w, minlength=len(ENTROPY_EDGES) - 1) for w in (None, temperature))
    return tuple(float(s / n) if n else None for s, n in zip(sums, counts, strict=True))


def _auroc(temperature: FloatArray, right: npt.NDArray[np.bool_], owner: npt.NDArray[np.int64]) -> Estimate | None:
    """How often a right step gets the lower temperature than a wrong one."""
    found = separation(-temperature[:, None], right, owner, resamples=RESAMPLES).auroc
    return estimate(float(found.value[0]), found.samples[:, 0], prompts=int(owner.max()) + 1)
