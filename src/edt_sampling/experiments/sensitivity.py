"""How small an effect a run of this size can find, and how large a run a small effect takes."""

from __future__ import annotations

from edt_sampling.experiments.measures import label
from edt_sampling.significance.power import detectable, prompts_needed

MEASURED_SD = 0.043
"""Standard deviation over prompts of one's part in a method's ROUGE-L distance to the fixed curve: the median over the default recipe's
settings on 80 dev prompts of the bundled model, K = 5."""
MEASURED_BASE = 0.265
"""ROUGE-L of the fixed temperature with the best EDA there."""
SHARE = 0.02


def expected(prompts: int, methods: int) -> str:
    """Before anything has run, by what was measured on the bundled model."""
    return _line(MEASURED_SD, MEASURED_BASE, prompts, methods, "rouge_l", "as measured with the bundled model")


def refined(sd: float, base: float, prompts: int, family: int, metric: str) -> str:
    """Once dev has run, by its own scores."""
    return _line(sd, base, prompts, family, metric, "as dev shows")


def _line(sd: float, base: float, prompts: int, family: int, metric: str, source: str) -> str:
    name, level = label(metric), 0.05 / family
    if sd == 0 or base == 0:
        return f"{name}: all settings scored alike on dev, which tells nothing of what {prompts} prompts can find"
    small = SHARE * base
    return (
        f"{prompts} test prompts find an effect of {detectable(sd, prompts, alpha=level):.4f} {name} at equal diversity 80% of the time; "
        f"one of {small:.4f}, {SHARE:.0%} of the base, takes {prompts_needed(sd, small, alpha=level):,} "
        f"(5% in all over {family} comparisons; sd over prompts {sd:.3f}, {source})"
    )
