"""Sweep findings by arithmetic, of the size and shape that the bundled model's have: cells above, below, equal to and off the curve."""

from __future__ import annotations

from dataclasses import replace
from math import exp

from edt_sampling.experiments.findings import Call, Estimate, Row
from edt_sampling.experiments.sweep.findings import Agreement, Best, Cell, Regret, SweepFindings, TaskMap

T0S, THETAS = (0.5, 0.7, 0.9, 1.1, 1.3, 1.5), (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
CALLS: tuple[Call, ...] = ("worse", "no difference detected", "better")


def around(mean: float, half: float) -> Estimate:
    return Estimate(mean, mean - half, mean + half)


def quality(temperature: float, top: float) -> float:
    return top * (0.95 - 0.3 * temperature**1.5)


def diversity(temperature: float) -> float:
    return exp(-2.1 * temperature**1.2)


def values(temperature: float, top: float, gain: float = 0.0) -> dict[str, Estimate]:
    q, s = quality(temperature, top) + gain, diversity(temperature)
    return {
        "rouge_l": around(q, 0.013),
        "self_bleu": around(s, 0.02),
        "distinct_2": around(1 - s / 2, 0.01),
        "eda": around(100 * ((1 - q / top) ** 2 + (top * s) ** 2) ** 0.5, 2.4),
        "length": around(11 + 6 * temperature, 0.7),
        "cold": around(max(0.0, 0.6 - temperature), 0.004),
        "truncated": around(0.004 * temperature, 0.002),
        "temperature": around(temperature, 0.011),
        "entropy": around(0.3 + 2.2 * temperature, 0.06),
    }


def cell(t0: float, theta: float, top: float, ridge: float) -> Cell:
    """A ridge along theta = 1, a trench in the coldest corner, and nothing to hold the hottest corner against."""
    temperature = t0 * 0.8**theta
    gain = ridge * exp(-abs(t0 - 0.9) * 3 - abs(theta - 1)) - (0.013 if t0 == 0.5 and theta == 5 else 0)
    comparable = not (t0 == 1.5 and theta <= 0.2)
    adjusted = 0.012 if abs(gain) > 0.012 else 0.431
    call = CALLS[0 if gain < -0.012 else 2] if adjusted < 0.05 else CALLS[1]
    return Cell(
        t0=t0,
        theta=theta,
        policy=f"edt:t0={t0:g},theta={theta:g}",
        values=values(temperature, top, gain),
        effect=around(gain, 0.009) if comparable else None,
        p=adjusted / 9 if comparable else None,
        adjusted=adjusted if comparable else None,
        detectable=0.0171 if comparable else None,
        outside=0.002 if comparable else 0.93,
        call=call if comparable else "not comparable",
        best={"effect": 0.34 if (t0, theta) == (0.9, 1.0) else 0.02, "eda": 0.58 if (t0, theta) == (0.7, 2.0) else 0.0041},
    )


def task_map(name: str, top: float, ridge: float) -> TaskMap:
    cells = tuple(cell(t0, theta, top, ridge) for t0 in T0S for theta in THETAS)
    by_policy = {c.policy: c for c in cells}
    rows = tuple(
        Row(
            stage="sweep",
            method="Fixed",
            policy=f"fixed:temperature={t:g}",
            filters="temperature,top_p=0.95",
            role="fixed" if t else "greedy",
            values=values(t, top),
        )
        for t in (i / 10 for i in range(15))
    )
    return TaskMap(
        name=name,
        model="bundled",
        task=name,
        content=name.encode().hex().ljust(64, "0")[:64],
        prompts=60,
        samples=5,
        seeds=(0,),
        filters="temperature,top_p=0.95",
        primary="rouge_l",
        qualities=("rouge_l",),
        cells=cells,
        fixed=rows,
        mean=around(0.0012, 0.0031),
        least=0.017,
        best={
            "effect": Best(cell=by_policy["edt:t0=0.9,theta=1"], share=0.34, few=7),
            "eda": Best(cell=by_policy["edt:t0=0.7,theta=2"], share=0.58, few=3),
        },
        signatures={"rouge_l": "rouge_l|made up", "effect": "effect|made up"},
        environments=({"engine": "made up", "threads": 2},),
        recipe={"task": name, "samples": 5},
    )


def sample_sweep() -> SweepFindings:
    """Two maps, one with a ridge and one nearly flat."""
    summary, question = task_map("docstrings-summary", 0.25, 0.02), task_map("docstrings-question", 0.75, 0.004)
    names = (summary.name, question.name)
    pairs = ((summary.name, summary.name), (question.name, question.name), names)
    return SweepFindings(
        headline="2 of 36 cells differ from the fixed temperatures at equal diversity on docstrings-summary (60 dev prompts, 34 cells "
        "comparable): 1 above and 1 below; 1 of 36 cells differs ...",
        sentences=("docstrings-summary: T0 = 0.9, theta = 1 lies highest over the curve.", "Rank correlation: <made up>."),
        method="EDT",
        diversity="self_bleu",
        t0=T0S,
        theta=THETAS,
        maps=(summary, question),
        regrets=tuple(
            Regret(
                by=by,
                of=one,
                on=other,
                taken="edt:t0=0.9,theta=1",
                own="edt:t0=0.7,theta=2",
                lost=around(0.0031 if by == "effect" else 2.2, 0.004) if one == names[0] else None,
            )
            for by in ("effect", "eda")
            for one, other in (names, names[::-1])
        ),
        agreements=tuple(
            Agreement(by=by, one=one, other=other, cells=34, correlation=Estimate(0.41) if one == other else around(-0.12, 0.35))
            for by in ("effect", "eda", "quality", "diversity")
            for one, other in pairs
        ),
    )


def flat_sweep() -> SweepFindings:
    """One map of two by two cells that are all off the curve: nothing differs, nothing is best by distance."""
    both = sample_sweep()
    cells = tuple(
        replace(
            c, effect=None, p=None, adjusted=None, detectable=None, outside=1.0, call="not comparable", best={"effect": 0.0, "eda": 0.25}
        )
        for c in both.maps[0].cells
        if c.t0 <= 0.7 and c.theta <= 0.2
    )
    best = {"eda": Best(cell=cells[0], share=0.25, few=4)}
    one = replace(both.maps[0], cells=cells, mean=None, least=None, best=best)
    agreements = (Agreement(by="effect", one=one.name, other=one.name, cells=0, correlation=None),)
    return replace(both, t0=T0S[:2], theta=THETAS[:2], maps=(one,), regrets=(), agreements=agreements)
