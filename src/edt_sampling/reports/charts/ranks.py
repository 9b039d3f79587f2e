"""How well each measure ranks each outcome: a point with its interval, measures under each other, one group an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings, Outcome, Statistic
from edt_sampling.experiments.findings import Estimate
from edt_sampling.reports import notation
from edt_sampling.reports.charts import marks
from edt_sampling.reports.charts.drawing import Spec
from edt_sampling.reports.charts.figure import Figure, Frame, figure
from edt_sampling.reports.charts.palette import LIGHT, Style, numbered
from edt_sampling.reports.diagnose_grids import measure_name, rankings_grid

_NAMES, _NUMBERS, _OWN = 170, 310, 140
"""Widths of what stands to the left and to the right of the intervals, and of the first column there."""
_CHANCE: dict[Statistic, float] = {"AUROC": 0.5, "Spearman": 0.0}


class _Row(NamedTuple):
    """A measure's line, or an outcome's heading, which has no style; ``difference`` is to entropy."""

    name: str
    told: str
    difference: str
    found: Estimate | None
    style: Style | None


def ranks(findings: DiagnosisFindings) -> list[Figure]:
    """AUROC on the references' tokens; then Spearman's correlation on texts and on what people said."""
    tokens = [outcome for outcome in findings.outcomes if outcome.statistic == "AUROC"]
    others = [outcome for outcome in findings.outcomes if outcome.kind != "token"]
    found = [_figure("ranks-tokens", findings, tokens, "AUROC, surer where right →")]
    return [*found, _figure("ranks-texts", findings, others, "Spearman, surer where better →")] if others else found


def _figure(name: str, findings: DiagnosisFindings, outcomes: Sequence[Outcome], title: str) -> Figure:
    rows = _rows(outcomes)
    statistic = outcomes[0].statistic
    chance = notation.number(_CHANCE[statistic]) if _CHANCE[statistic] else "0"
    caption = (
        f"{statistic} of each measure with its 95% interval over prompts; {chance} is chance. On wide pages, its difference to entropy "
        "stands to the right."
    )
    names = ", ".join(outcome.name for outcome in outcomes)
    return figure(
        name,
        lambda frame: _spec(rows, statistic, title, frame),
        caption=caption,
        label=f"Points with intervals: {statistic} of {len(findings.measures)} measures for {names}. The table below holds the numbers.",
        tables=[rankings_grid([o for o in findings.outcomes if o in outcomes or (name == "ranks-tokens" and o.kind == "token")])],
    )


def _rows(outcomes: Sequence[Outcome]) -> list[_Row]:
    """Every outcome's measures, under its name where there are several outcomes."""
    rows: list[_Row] = []
    for outcome in outcomes:
        if len(outcomes) > 1:
            rows.append(_Row(outcome.name, f"{outcome.items:,} {outcome.unit} of {outcome.prompts} prompts", "", None, None))
        for number, ranking in enumerate(outcome.rankings):
            style = numbered(number, measure_name(ranking.measure))
            difference = notation.difference(ranking.difference) if ranking.difference else ""
            rows.append(_Row(style.name, notation.estimate(ranking.found), difference, ranking.found, style))
    return rows


def _spec(rows: Sequence[_Row], statistic: Statistic, title: str, frame: Frame) -> Spec:
    step, width = (40, frame.width - 24) if frame.narrow else (28, frame.width - _NAMES - _NUMBERS)
    places = [(n + 0.5) * step + (8 if frame.narrow else 0) for n in range(len(rows))]
    placed = [(row, row.found, row.style, y) for row, y in zip(rows, places, strict=True) if row.found and row.style]
    low, high = marks.padded([_CHANCE[statistic], *(x for _, found, _, _ in placed for x in marks.ends(found))])
    x = marks.channel("x", title, (low, high), ticks=4 if frame.narrow else 6, axis={"grid": not frame.narrow})
    chance = [{"x": _CHANCE[statistic], "y": y - step / 2, "y2": y + step / 2, "stroke": LIGHT["soft"]} for *_, y in placed]
    layers = [
        marks.spans(chance, width=1),
        marks.spans([datum for _, found, style, y in placed for datum in marks.across(style.colour, found, y)], width=2),
        marks.points([marks.point(style, found.mean, y, f"{row.name}: {row.told}") for row, found, style, y in placed]),
        *_labels(rows, places, width, frame),
    ]
    return marks.chart(x, marks.PIXELS, layers, width=width, height=len(rows) * step + 8)


def _labels(rows: Sequence[_Row], places: Sequence[float], width: int, frame: Frame) -> list[Spec | None]:
    """Headings in bold, names to the left and numbers to the right; on narrow pages both above the interval."""
    heads = [{"y": y, "text": row.name} for row, y in zip(rows, places, strict=True) if not row.style]
    names = [{"y": y, "text": row.name} for row, y in zip(rows, places, strict=True) if row.style]
    told = [{"y": y, "text": row.told} for row, y in zip(rows, places, strict=True) if row.style or not frame.narrow]
    differences = [{"y": y, "text": row.difference} for row, y in zip(rows, places, strict=True)]
    if frame.narrow:
        return [
            marks.words(heads, x=0, align="left", color=LIGHT["ink"], fontWeight="bold", fontSize=11, limit=width),
            marks.words(names, x=0, align="left", color=LIGHT["ink"], dy=-14, fontSize=11),
            marks.words(told, x=width, align="right", dy=-14, fontSize=11),
        ]
    return [
        marks.words(heads, x=-_NAMES, align="left", color=LIGHT["ink"], fontWeight="bold", limit=_NAMES + width),
        marks.words(names, x=-_NAMES, align="left", color=LIGHT["ink"], limit=_NAMES - 10),
        marks.words(told, x=width + 16, align="left"),
        marks.words(differences, x=width + 16 + _OWN, align="left"),
    ]
