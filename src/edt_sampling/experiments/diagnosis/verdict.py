"""The diagnosis in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.diagnosis.findings import Acting, Failure, Human, Outcome, Ranking, Reliability
from edt_sampling.experiments.diagnosis.uncertainty import ENTROPY
from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.measures import label
from edt_sampling.experiments.verdict import p_value

LEVEL = 0.05


def headline(right: Outcome) -> str:
    """Does entropy rank right tokens, and does any other measure rank them better?"""
    own = _of_entropy(right)
    if own is None:
        return "Not known: the model's best token is the reference's at every step, or at none, so there is nothing to rank."
    call = "ranks right tokens" if own.low is not None and own.low > 0.5 else "does not surely rank right tokens"
    return f"On this model and task entropy {call} ({right.statistic} {told(own)}); {_others(right)}."


def sentences(
    outcomes: Sequence[Outcome], reliability: Reliability, acting: Sequence[Acting], failures: Sequence[Failure], human: Human | None
) -> list[str]:
    """What stands below the headline: texts, people, calibration, the policies, and what failed."""
    found = [_texts(outcome, outcomes) for outcome in outcomes if outcome.kind == "text"]
    found += _people(outcomes, human)
    found.append(
        f"The model is {'more' if reliability.gap.mean >= 0 else 'less'} sure than right by {told(_absolute(reliability.gap))} on the "
        f"mean; its expected calibration error is {told(reliability.ece)}, where chance alone gives {reliability.chance:.3f}."
    )
    found += [_acts(one) for one in acting if not one.policy.startswith("fixed:")]
    return [*found, failed(failures)]


def failed(failures: Sequence[Failure]) -> str:
    """The names of what was detected."""
    detected = [f"{f.name} ({f.where})" for f in failures if f.found]
    unknown = [f"{f.name} ({f.where})" for f in failures if f.found is None]
    said = f"Failure signatures detected: {'; '.join(detected)}." if detected else "No failure signature was detected."
    return said + (f" Not judged: {'; '.join(unknown)}." if unknown else "")


def told(found: Estimate | None, digits: int = 3, *, signed: bool = False) -> str:
    """A number with its interval."""
    if found is None:
        return "not defined"
    ends = (found.low, found.high)
    inside = "" if found.low is None else f" [{', '.join(_number(end, digits, signed) for end in ends)}]"
    return _number(found.mean, digits, signed) + inside


def _number(value: float | None, digits: int, signed: bool) -> str:
    """To so many digits, with a true minus, and none before a nought."""
    assert value is not None  # either both ends are there, or none is told
    return f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _others(outcome: Outcome) -> str:
    """The measure that differs most from entropy, for the better if any does surely."""
    rest = [r for r in outcome.rankings if r.difference is not None]
    if not rest:
        return "no other measure could be held against it"
    best = max(rest, key=_gain)
    if _surely(best) and _gain(best) > 0:
        return f"{_name(best)} ranks them better by {_difference(best)}"
    worse = [r for r in rest if _surely(r)]
    tail = f"; {', '.join(map(_name, worse))} surely worse" if worse else ""
    return f"no other measure is seen to rank them better (the best, {_name(best)}: {_difference(best)}){tail}"


def _texts(outcome: Outcome, outcomes: Sequence[Outcome]) -> str:
    """How well mean entropy ranks a policy's texts, over all and within prompts; and any measure that surely does otherwise."""
    inside = next((o for o in outcomes if o.kind == "within" and o.of == outcome.of), None)
    own = f"Spearman {told(_of_entropy(outcome))} over {outcome.items} texts"
    own += f", {told(_of_entropy(inside))} among those of one prompt" if inside else ""
    others = [_sides(outcome, ""), *([_sides(inside, " within prompts")] if inside else [])]
    rest = "; ".join(filter(None, others)) or "no other measure surely differs"
    return f"Under {outcome.of}, low mean entropy goes with high {label(outcome.metric)} this far: {own}; {rest}."


def _sides(outcome: Outcome, where: str) -> str:
    """The measures that surely rank an outcome better than entropy, and those that do worse."""
    surely = [r for r in outcome.rankings if _surely(r)]
    sides = {"better": [r for r in surely if _gain(r) > 0], "worse": [r for r in surely if _gain(r) < 0]}
    return "; ".join(f"surely {side}{where}: {', '.join(map(_name, found))}" for side, found in sides.items() if found)


def _people(outcomes: Sequence[Outcome], human: Human | None) -> list[str]:
    if human is None:
        return []
    agreed = "no two ratings to compare" if human.certain is None else f"Krippendorff's alpha {human.certain:.2f}"
    found = [f"{len(human.raters)} {'people' if len(human.raters) > 1 else 'person'} rated {human.items} steps ({agreed})."]
    own = [(o, _of_entropy(o)) for o in outcomes if o.kind == "people"]
    return found + [f"Entropy ranks what people {o.of} by {told(value)} (Spearman, {o.items} steps); {_others(o)}." for o, value in own]


def _of_entropy(outcome: Outcome) -> Estimate | None:
    return next(r.found for r in outcome.rankings if r.measure == ENTROPY)


def _acts(one: Acting) -> str:
    if one.gap is None or one.right is None or one.elsewhere is None:
        return f"{one.policy} gives the references' steps nearly one temperature: it acts nowhere."
    sure = one.gap.low is not None and one.gap.low > 0
    return (
        f"{one.policy} cools {one.cooled.mean:.0%} of the references' steps; the model is right at {one.right.mean:.0%} of these and at "
        f"{one.elsewhere.mean:.0%} of the others: it {'acts where it should' if sure else 'does not surely act where it should'} "
        f"({told(one.gap, signed=True)})."
    )


def _name(ranking: Ranking) -> str:
    return ranking.measure.replace(" - ", " \N{MINUS SIGN} ")


def _gain(ranking: Ranking) -> float:
    return ranking.difference.mean if ranking.difference else 0.0


def _surely(ranking: Ranking) -> bool:
    return ranking.adjusted is not None and ranking.adjusted <= LEVEL


def _difference(ranking: Ranking) -> str:
    p = "" if ranking.adjusted is None else f", p {p_value(ranking.adjusted)} after Holm"
    return f"{told(ranking.difference, 4, signed=True)}{p}"


def _absolute(found: Estimate) -> Estimate:
    if found.mean >= 0 or found.low is None or found.high is None:
        return Estimate(abs(found.mean), found.low, found.high)
    return Estimate(-found.mean, -found.high, -found.low)
