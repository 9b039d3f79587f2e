"""Calibration: is the model as often right as it is sure? And how often is it right at each level of a measure?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.diagnosis.estimates import by_prompt, estimate, ratios, share
from edt_sampling.experiments.diagnosis.findings import Bin, Curve, Reliability
from edt_sampling.experiments.findings import Estimate

FloatArray = npt.NDArray[np.float64]
BINS = 15
"""Of equal width on 0..1, as in Guo et al. 2017."""
TENTHS = 10


def reliability(confidence: FloatArray, entropy: FloatArray, right: npt.NDArray[np.bool_], prompt: npt.NDArray[np.int64]) -> Reliability:
    """Of steps with these largest probabilities and entropies, ``[steps]`` each.

    ::

        ECE = sum over bins of steps / all steps * |share right - mean confidence|

    On finitely many steps it is above 0 even for a model of perfect calibration, for which its mean is about ``chance``: the sum over
    bins of sqrt(2 / pi * sum of c (1 - c)) / all steps, c the confidence of each step (given what was read before, whether a step is right
    is a draw of its own). The interval keeps each bin's sign: noise in a resample would otherwise add to it.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    prompts = int(prompt.max()) + 1
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.digitize(confidence, edges) - 1, 0, BINS - 1)
    surest = entropy <= np.quantile(entropy, 1 / 3)
    return Reliability(
        bins=tuple(_bins(confidence, right, prompt, prompts, place, edges)),
        ece=_ece(confidence, right, prompt, prompts, place),
        chance=_chance(confidence, place),
        gap=_known(share(confidence - right, np.ones(len(right)), prompt, prompts)),
        sure=_known(share(confidence - right, surest, prompt, prompts)),
    )


def curve(measure: str, values: FloatArray, right: npt.NDArray[np.bool_], prompt: npt.NDArray[np.int64]) -> Curve:
    """P(right | measure) in tenths of the steps, the surest first; tenths whose edges are equal are one."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, TENTHS + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0]])
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, len(edges) - 2)
    return Curve(measure=measure, bins=tuple(_bins(values, right, prompt, int(prompt.max()) + 1, place, edges)))


def _bins(
    values: FloatArray,
    right: npt.NDArray[np.bool_],
    prompt: npt.NDArray[np.int64],
    prompts: int,
    place: npt.NDArray[np.int64],
    edges: Sequence[float] | FloatArray,
) -> list[Bin]:
    """Those that hold a step."""
    found: list[Bin] = []
    for i in range(len(edges) - 1):
        inside = place == i
        of_right = share(right, inside, prompt, prompts)
        if of_right is not None:
            mean, steps = float(values[inside].mean()), int(inside.sum())
            found.append(Bin(low=float(edges[i]), high=float(edges[i + 1]), mean=mean, right=of_right, steps=steps))
    return found


def _ece(
    confidence: FloatArray, right: npt.NDArray[np.bool_], prompt: npt.NDArray[np.int64], prompts: int, place: npt.NDArray[np.int64]
) -> Estimate:
    gaps = np.stack([by_prompt(np.where(place == i, right - confidence, 0.0), prompt, prompts) for i in range(BINS)], axis=-1)
    value, samples = ratios(gaps, by_prompt(np.ones(len(right)), prompt, prompts)[:, None])
    return _known(estimate(float(np.abs(value).sum()), (samples * np.sign(value)).sum(axis=-1), prompts=prompts))


def _chance(confidence: FloatArray, place: npt.NDArray[np.int64]) -> float:
    variances = np.bincount(place, weights=confidence * (1 - confidence), minlength=BINS)
    return float(np.sqrt(2 / np.pi * variances).sum() / len(confidence))


def _known(found: Estimate | None) -> Estimate:
    assert found is not None  # there is a step
    return found
