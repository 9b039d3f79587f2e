"""Tables of a diagnosis, before any HTML."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.diagnosis.findings import Curve, DiagnosisFindings, Outcome, Ranking
from edt_sampling.experiments.diagnosis.uncertainty import ENTROPY
from edt_sampling.experiments.findings import Estimate
from edt_sampling.reports import notation
from edt_sampling.reports.grid import SETTING, Column, Grid


def measure_name(measure: str) -> str:
    """A measure as readers know it."""
    return "entropy H" if measure == ENTROPY else measure.replace(" - ", " \N{MINUS SIGN} ")


def rankings_grid(outcomes: Sequence[Outcome]) -> Grid:
    """A row for each outcome and measure."""
    columns = (
        Column("outcome", "word"),
        Column("measure", "word"),
        *map(Column, ("items", "prompts", "statistic", "value [95%]", "less entropy's [95%]", "adjusted p", "p")),
    )
    rows = tuple(
        (o.name, measure_name(r.measure), f"{o.items:,}", f"{o.prompts}", o.statistic, *_ranking(r)) for o in outcomes for r in o.rankings
    )
    return Grid("How well each measure ranks each outcome: more is better", columns, rows)


def reliability_grid(findings: DiagnosisFindings) -> Grid:
    """A row a bin of confidence."""
    rows = tuple(
        (f"{b.low:.2f} to {b.high:.2f}", f"{b.steps:,}", notation.number(b.mean), notation.estimate(b.right))
        for b in findings.reliability.bins
    )
    columns = (Column("confidence, max p", "word"), Column("steps"), Column("mean confidence"), Column("share right [95%]"))
    return Grid("The references' steps by confidence", columns, rows)


def curve_grid(curve: Curve) -> Grid:
    """A row a tenth of the steps."""
    rows = tuple((f"{b.low:.3g} to {b.high:.3g}", f"{b.steps:,}", f"{b.mean:.3g}", notation.estimate(b.right)) for b in curve.bins)
    name = measure_name(curve.measure)
    columns = (Column(name, "word"), Column("steps"), Column("mean"), Column("share right [95%]"))
    return Grid(f"The references' steps by {name}, the surest first", columns, rows)


def acting_grid(findings: DiagnosisFindings) -> Grid:
    """A row a policy: what it does to the references' steps, and whether the model is right where it cools."""
    columns = (
        SETTING,
        Column("T, middle 90%", "word"),
        *map(Column, ("cooled [95%]", "right where cooled", "right elsewhere", "difference", "AUROC of T")),
    )
    rows = tuple(
        (
            one.policy,
            f"{one.low:.2f} to {one.high:.2f}",
            *(notation.estimate(found) for found in (one.cooled, one.right, one.elsewhere)),
            notation.difference(one.gap),
            notation.estimate(one.auroc),
        )
        for one in findings.acting
    )
    return Grid("What each policy does to the references' steps", columns, rows)


def policies_grid(findings: DiagnosisFindings) -> Grid:
    """A row a policy: its texts."""
    heads = (notation.head(findings.primary), "Self-BLEU", "H, nats", "T", "cut", "looping", "surest third less the rest")
    rows = tuple(
        (
            one.policy,
            f"{one.texts:,}",
            *(notation.estimate(found) for found in (one.quality, one.diversity)),
            _nats(one.entropy),
            notation.fixed(one.temperature),
            notation.fixed(one.truncated),
            notation.estimate(one.looping),
            notation.difference(one.third),
        )
        for one in findings.policies
    )
    return Grid("Each policy's texts", (SETTING, Column("texts"), *map(Column, heads)), rows)


def failures_grid(findings: DiagnosisFindings) -> Grid:
    """A row a rule and what it was applied to; what was found first."""
    order = {True: 0, None: 1, False: 2}
    said = {True: "detected", None: "not judged", False: "not detected"}
    found = sorted(findings.failures, key=lambda failure: order[failure.found])
    columns = (
        Column("signature", "word"),
        Column("of", "setting"),
        Column("call", "word"),
        Column("evidence", "prose"),
        Column("rule", "prose"),
    )
    return Grid("Failure signatures", columns, tuple((f.name, f.where, said[f.found], f.evidence, f.rule) for f in found))


def _ranking(ranking: Ranking) -> tuple[str, ...]:
    return (
        notation.estimate(ranking.found),
        notation.difference(ranking.difference),
        notation.probability(ranking.adjusted),
        notation.probability(ranking.p),
    )


def _nats(found: Estimate) -> str:
    ends = "" if found.low is None else f" [{notation.fixed(found.low)}, {notation.fixed(found.high)}]"
    return notation.fixed(found.mean) + ends
