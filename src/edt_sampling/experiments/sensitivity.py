"""How small a difference a run of this size could show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edt_sampling.significance.power import detectable

MEASURED_SD = 0.075
"""Standard deviation over prompts of a paired ROUGE-L difference: the median over pairs of the default grid's settings on the bundled
model's test prompts, K = 5."""


def expected(prompts: int) -> str:
    """Before a run, from the measured standard deviation."""
    told = f"sd of a prompt's paired difference {MEASURED_SD}, as measured on the default grid with K = 5"
    return _line(MEASURED_SD, prompts, "ROUGE-L", told)


def observed(values: npt.NDArray[np.float64], metric: str) -> str:
    """After a run, from its own scores ``[prompts, settings]``."""
    prompts, settings = values.shape
    if settings < 2 or prompts < 2:
        return f"{metric}: no paired difference with {settings} settings and {prompts} prompts"
    sd = paired_sd(values)
    if sd == 0:
        return f"{metric}: most pairs of settings scored alike on every prompt: {prompts} prompts tell nothing of a difference"
    return _line(sd, prompts, metric, f"sd of a prompt's paired difference {sd:.3f}, the median over pairs of settings here")


def paired_sd(values: npt.NDArray[np.float64]) -> float:
    """The standard deviation over prompts of the difference between two settings, the median over all pairs of settings."""
    covariance = np.cov(values, rowvar=False)
    variance = np.diag(covariance)[:, None] + np.diag(covariance) - 2 * covariance
    return float(np.median(np.sqrt(np.maximum(variance[np.triu_indices(len(variance), 1)], 0))))


def _line(sd: float, prompts: int, metric: str, told: str) -> str:
    if prompts < 2:
        return "one prompt shows no difference at all: take more"
    smallest = detectable(sd, prompts)
    return f"smallest difference in {metric} that {prompts} prompts could detect: {smallest:.4f} (80% power, two-sided 5%; {told})"
