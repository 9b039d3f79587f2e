"""Tables of differences: effects at equal diversity, and paired differences over the same prompts."""

from __future__ import annotations

from collections.abc import Sequence

from edt_sampling.experiments.findings import Effect, Findings, Paired
from edt_sampling.reports import notation
from edt_sampling.reports.grid import METHOD, Column, Grid


def effects_grid(findings: Findings) -> Grid:
    """All that is known of each effect; effect and interval before p."""
    several = len({effect.metric for effect in findings.effects}) > 1
    metric = (Column("metric", "word"),) if several else ()
    numbers = ("effect [95%]", "adjusted p", "p", "detectable", "off the curve")
    rows = tuple(
        (effect.method, notation.setting(effect.policy), *((notation.head(effect.metric),) if several else ()), *_judged(effect))
        for effect in findings.effects
    )
    return Grid(
        "Effects at equal diversity", (METHOD, Column("setting", "word"), *metric, *map(Column, numbers), Column("call", "word")), rows
    )


def paired_grid(found: Sequence[Paired]) -> Grid:
    """A row for each pair of settings; a column for each metric, and its p where it is tested. A side that all share is told once."""
    metrics = list(dict.fromkeys(pair.metric for pair in found))
    tested = {pair.metric for pair in found if pair.p is not None}
    by_pair: dict[tuple[str, str], dict[str, Paired]] = {}
    for pair in found:
        sides = notation.named(pair.method, pair.policy), notation.named(pair.other_method, pair.other)
        by_pair.setdefault(sides, {})[pair.metric] = pair
    names, cells, told = _sides(list(by_pair))
    columns = (*names, *(Column(name) for metric in metrics for name in _heads(metric, metric in tested)))
    values = (tuple(cell for m in metrics for cell in _cells(pairs.get(m), m in tested)) for pairs in by_pair.values())
    rows = tuple((*own, *numbers) for own, numbers in zip(cells, values, strict=True))
    return Grid(f"Differences over the test prompts: {told}", columns, rows)


def _sides(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[Column, ...], list[tuple[str, ...]], str]:
    """The columns that name the two sides, their cells, and what the caption says of them."""
    settings, others = {one for one, _ in pairs}, {other for _, other in pairs}
    if len(settings) == 1:
        return (Column("less", "word"),), [(other,) for _, other in pairs], f"{min(settings)} less each of these"
    if len(others) == 1:
        return (Column("setting", "word"),), [(one,) for one, _ in pairs], f"each of these less {min(others)}"
    return (Column("setting", "word"), Column("less", "word")), list(pairs), "setting less setting"


def _judged(effect: Effect) -> tuple[str, ...]:
    return (
        notation.difference(effect.effect, effect.metric),
        notation.probability(effect.adjusted),
        notation.probability(effect.p),
        notation.size(effect.detectable, effect.metric),
        notation.fixed(effect.outside),
        effect.call,
    )


def _heads(metric: str, judged: bool) -> tuple[str, ...]:
    return (f"{notation.head(metric)} [95%]", *(("adjusted p", "p") if judged else ()))


def _cells(pair: Paired | None, judged: bool) -> tuple[str, ...]:
    if pair is None:
        return (notation.NONE,) * (3 if judged else 1)
    ps = (notation.probability(pair.adjusted), notation.probability(pair.p)) if judged else ()
    return (notation.difference(pair.difference, pair.metric), *ps)
