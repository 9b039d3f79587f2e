"""A sweep in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from edt_sampling.experiments.effects import LEVEL
from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.measures import label
from edt_sampling.experiments.sweep.findings import Agreement, Best, Criterion, Regret, TaskMap
from edt_sampling.experiments.verdict import interval, p_value, signed

BY = {"effect": "distance", "eda": "EDA"}


def headline(maps: Sequence[TaskMap]) -> str:
    """How many cells differ from the curve, task by task."""
    told = "; ".join(_count(one) for one in maps)
    return f"{told[0].upper()}{told[1:]}."


def sentences(maps: Sequence[TaskMap], regrets: Sequence[Regret], agreements: Sequence[Agreement]) -> list[str]:
    """What stands below the headline: how far the cells are off and the best of them, map by map; then what happens between maps."""
    own = [sentence for one in maps for sentence in (*_distances(one), *(_best(one, by, best) for by, best in one.best.items()))]
    metrics = {one.name: one.primary for one in maps}
    lost = [_lost(found, metrics[found.on]) for found in regrets]
    alike = [_alike(found, agreements) for found in agreements if found.one != found.other and found.by == "effect"]
    return [*own, *lost, *alike]


def _count(one: TaskMap) -> str:
    total, on = len(one.cells), len(one.comparable)
    where = f"on {one.name} ({one.prompts} dev prompts{'' if on == total else f', {on} cells comparable'})"
    if not on:
        return f"no cell of {total} can be compared with the fixed temperatures {where}"
    against = f"from the fixed temperatures at equal diversity {where}"
    if not one.different:
        return f"no cell of {total} differs {against}"
    above = sum(cell.call == "better" for cell in one.different)
    below = len(one.different) - above
    sides = " and ".join(f"{count} {side}" for count, side in ((above, "above"), (below, "below")) if count)
    return f"{len(one.different)} of {total} cells differ{'s' if len(one.different) == 1 else ''} {against}: {sides}"


def _distances(one: TaskMap) -> list[str]:
    if one.mean is None:
        return []
    mean = f"{signed(one.mean.mean)} {label(one.primary)}"
    told = f"{one.name}: the comparable cells lie {mean} from the curve on average ({interval(one.mean)})"
    if not (seen := [cell.detectable for cell in one.comparable if cell.detectable is not None]):
        return [f"{told}."]
    if one.least is not None and one.least > LEVEL:
        return [
            f"{told}; no cell could have been marked: p after Holm is {p_value(one.least)} at least with so few prompts and so many cells."
        ]
    power = f"a distance of {median(seen):.4f} in the middle cell and of {max(seen):.4f} in the noisiest"
    return [f"{told}; 80% of the time a run of this size sees {power}."]


def _best(one: TaskMap, by: Criterion, best: Best) -> str:
    cell = best.cell
    where = f"T0 = {cell.t0:g}, theta = {cell.theta:g}"
    sure = f"it is the best cell in {best.share:.0%} of resamples, and it takes {_cells(best.few)} to hold the best one in 95% of them"
    if by == "eda":
        return f"{one.name}: {where} has the best EDA, {_value(cell.values['eda'])}; {sure}."
    assert cell.effect is not None and cell.adjusted is not None  # noqa: PT018 - the best one is comparable
    far = f"{signed(cell.effect.mean)} {label(one.primary)} ({interval(cell.effect)}, p {p_value(cell.adjusted)} after Holm)"
    return f"{one.name}: {where} lies highest over the curve, {far}; {sure}."


def _lost(found: Regret, metric: str) -> str:
    taken = f"{found.on}, used with the best cell by {BY[found.by]} of {found.of} ({found.taken})"
    if found.lost is None:
        return f"{taken}: not comparable there."
    unit, digits = (label(metric), 4) if found.by == "effect" else ("EDA", 1)
    if found.taken == found.own:
        return f"{taken}: its own best cell too."
    against = f"against its own best, which the same prompts chose ({interval(found.lost, digits)})"
    return f"{taken}: {found.lost.mean:.{digits}f} {unit} are lost {against}."


def _alike(found: Agreement, agreements: Sequence[Agreement]) -> str:
    of = f"the maps of {found.one} and {found.other}"
    if found.correlation is None:
        return f"Rank correlation of the distances on {of}: too few cells are comparable on both."
    alone = {a.one: a.correlation for a in agreements if a.by == found.by and a.one == a.other}
    own = [signed(known.mean, 2) for name in (found.one, found.other) if (known := alone[name])]
    return (
        f"Rank correlation of the distances on {of}: {signed(found.correlation.mean, 2)} ({interval(found.correlation, 2)}) over "
        f"{_cells(found.cells)}; of each map between halves of its own prompts: {' and '.join(own) or 'not known'}."
    )


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'}"


def _value(found: Estimate) -> str:
    return f"{found.mean:.1f} (95% interval {found.low:.1f} to {found.high:.1f})" if found.low is not None else f"{found.mean:.1f}"
