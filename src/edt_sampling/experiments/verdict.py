"""The verdict in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.findings import Effect, Estimate, ForcedPoint, Paired
from edt_sampling.experiments.measures import DIVERSITY, label

ABLATIONS = {
    "shuffled": "itself with its temperatures dealt out at random within each text",
    "matched entropy": "the fixed temperature of the same mean tempered entropy",
    "matched temperature": "the fixed temperature of the same mean (confounded: it counts steps where no temperature does anything)",
}


def sentences(found: Sequence[Effect], paired: Sequence[Paired], ablations: Sequence[Paired], points: Sequence[ForcedPoint]) -> list[str]:
    """What stands below the headline: the other methods and qualities, then the other views of the subject."""
    subject = found[0]
    told = [sentence(effect) for effect in found[1:]]
    view = {row.metric: row for row in paired if row.method == subject.method}
    told.append(second_view(view[subject.metric], view[DIVERSITY]))
    told += [ablation(row) for row in ablations if row.adjusted is not None]
    without = forced(points, subject.policy)
    return [*told, *([without] if without else [])]


def sentence(effect: Effect) -> str:
    """What can be said of one method in one metric."""
    metric, name = label(effect.metric), f"{effect.method} ({effect.policy})"
    if effect.effect is None or effect.adjusted is None:
        return f"Not comparable: {name} lies off the fixed temperatures' range of diversity, or too near its end to be held against it."
    if effect.detectable is None:
        return f"Nothing can be told: {name} and the fixed temperatures scored alike in {metric} on every prompt."
    more = f"{abs(effect.effect.mean):.4f} {metric} {'above' if effect.effect.mean >= 0 else 'below'} fixed temperatures of equal diversity"
    sure = f"{interval(effect.effect)}, {_holm(effect.adjusted)}"
    if effect.call == "no difference detected":
        return f"No difference detected: {name} is {more} ({sure}); this run could have seen {effect.detectable:.4f}."
    return f"{effect.method} {'helps' if effect.call == 'better' else 'hurts'} here: {name} is {more} ({sure})."


def second_view(quality: Paired, diversity: Paired) -> str:
    """The subject against the fixed temperatures, both tuned by EDA on dev."""
    gain = f"{signed(quality.difference.mean)} {label(quality.metric)} ({interval(quality.difference)}, {_holm(quality.adjusted)})"
    spread = f"{signed(diversity.difference.mean)} {label(diversity.metric)} ({interval(diversity.difference)})"
    return f"Both tuned by EDA on dev, {quality.policy} less {quality.other}: {gain}, with {spread}."


def ablation(row: Paired) -> str:
    """What an ablation says, at equal diversity."""
    asked = next((told for role, told in ABLATIONS.items() if row.other_method.endswith(role)), row.other_method)
    sure = f"{interval(row.difference)}, {_holm(row.adjusted)}"
    return f"{row.method} less {asked}: {signed(row.difference.mean)} {label(row.metric)} ({sure})."


def forced(points: Sequence[ForcedPoint], policy: str) -> str | None:
    """What teacher-forcing says of the subject's setting; None where it says nothing."""
    away = next((p.distance for p in points if p.policy == policy and p.distance is not None), None)
    if away is None:
        return None
    cost = f"{abs(away.mean):.3f} nats {'less' if away.mean < 0 else 'more'}"
    than = "than under the fixed temperature of the same mean tempered entropy"
    return f"Without sampling: under {policy} a reference's token costs {cost} {than} ({interval(away, 3)})."


def interval(estimate: Estimate, digits: int = 4) -> str:
    """The ends, signed."""
    assert estimate.low is not None and estimate.high is not None  # noqa: PT018 - every estimate that is told of has both
    return f"95% interval {signed(estimate.low, digits)} to {signed(estimate.high, digits)}"


def p_value(p: float) -> str:
    """Three digits, without the leading zero."""
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def _holm(adjusted: float | None) -> str:
    return f"p {p_value(1.0 if adjusted is None else adjusted)} after Holm"


def signed(value: float, digits: int = 4) -> str:
    """With its sign, a true minus."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
