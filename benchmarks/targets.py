"""What the project wants of its speed, and whether a run kept it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.record import Case, Record
from benchmarks.shapes import LLAMA, NOISE
from benchmarks.table import NO_RATIO, Table, digits, where

Over = tuple[str, str]


class Found(NamedTuple):
    """A number and what it is of; None where the machine was busy."""

    value: float | None
    at: str


class Target(NamedTuple):
    """``wanted``, at least or at most, of the worst of what ``found`` gives of a part's cases."""

    claim: str
    part: str
    least: bool
    wanted: float
    found: Callable[[Sequence[Case]], Iterable[Found]]
    unit: str = " times"


def _ratios(over: Over, **labels: Any) -> Callable[[Sequence[Case]], Iterator[Found]]:
    """The ratio of two contenders in every case with these labels that has both."""

    def found(cases: Sequence[Case]) -> Iterator[Found]:
        for case in where(cases, **labels):
            if set(over) <= case.times.keys():
                ratio = case.ratio(*over)
                yield Found(ratio.median if ratio else None, _told(case))

    return found


def _milliseconds(name: str) -> Callable[[Sequence[Case]], Iterator[Found]]:
    def found(cases: Sequence[Case]) -> Iterator[Found]:
        for case in cases:
            yield Found(None if case.busy else 1000 * (case.seconds(name).median), name)

    return found


def _scaled(what: str) -> Callable[[Sequence[Case]], Iterator[Found]]:
    """Their seconds to ours for equally much, where theirs ran on a part."""

    def found(cases: Sequence[Case]) -> Iterator[Found]:
        for case in where(cases, what=what):
            ratio = case.ratio("theirs", "ours")
            yield Found(ratio.median * case.labels["count"] / case.labels["part"] if ratio else None, _told(case))

    return found


def _facts(name: str) -> Callable[[Sequence[Case]], Iterator[Found]]:
    def found(cases: Sequence[Case]) -> Iterator[Found]:
        for case in cases:
            if name in case.facts:
                yield Found(None if case.busy else case.facts[name], _told(case))

    return found


def _told(case: Case) -> str:
    """A case by what tells it from the others."""
    labels = case.labels
    words = [f"{labels['rows']} rows" if labels["rows"] > 1 else "1 row"] if "rows" in labels else []
    words += [f"{labels['words']:,} words"] if "words" in labels else []
    words += [labels["numbers"]] if labels.get("numbers") == "bfloat16" else []
    words += [str(labels["what"])] if "what" in labels else []
    words += [f"{labels['dev']} dev and {labels['test']} test prompts"] if "dev" in labels else []
    words += [labels["logits"]] if labels.get("logits", NOISE) != NOISE else []
    return ", ".join(words)


MANY: Mapping[str, Any] = {"rows": lambda rows: rows >= 8, "words": lambda words: words >= LLAMA}
ONE: Mapping[str, Any] = {"rows": 1, "words": LLAMA}
TARGETS = (
    Target("a draw with EDT is faster than today's, 1 row", "draw", True, 12, _ratios(("today", "EDT"), filters="none", **ONE)),
    Target("`edt.sample` is, 1 row", "draw", True, 12, _ratios(("today", "edt.sample"), filters="none", **ONE)),
    Target("a draw with EDT is faster than today's, 8 rows and more", "draw", True, 30, _ratios(("today", "EDT"), filters="none", **MANY)),
    Target("`edt.sample` is, 8 rows and more", "draw", True, 30, _ratios(("today", "edt.sample"), filters="none", **MANY)),
    Target("with top-p 0.95", "draw", True, 20, _ratios(("today", "EDT"), filters="top-p", words=lambda words: words >= LLAMA)),
    Target("EDT against two passes of exponentials", "draw", False, 2,
           _ratios(("EDT", "floor"), filters="none", words=lambda words: words >= LLAMA)),
    Target("EDT against our fixed temperature", "draw", False, 1.1, _ratios(("EDT", "Fixed"), words=lambda words: words >= LLAMA)),
    Target("the processor with EDT, in passes of softmax", "tempering", False, 2.5, _ratios(("EDT", "softmax"), words=LLAMA)),
    Target("in place with EDT, in passes of softmax", "tempering", False, 2.5, _ratios(("in place, EDT", "softmax"), words=LLAMA)),
    Target("in llama.cpp, its fixed temperature and draw against ours with EDT", "llama-cpp", True, 1,
           _ratios(("temp + dist", "EDT"), words=lambda words: words >= LLAMA)),
    Target("in llama.cpp, its dynamic temperature and draw against ours", "llama-cpp", True, 20,
           _ratios(("temp_ext + dist", "EDT"), words=lambda words: words >= LLAMA)),
    Target("Self-BLEU against nltk's", "metrics", True, 30, _scaled("Self-BLEU, K = 32")),
    Target("`edt compare` outside the model and the draw, of its wall time", "compare", False, 10, _facts("outside, %"), "%"),
    Target("`import edt_sampling`", "start-up", False, 50, _milliseconds("import edt_sampling"), " ms"),
    Target("`edt --help`", "start-up", False, 300, _milliseconds("edt --help"), " ms"),
)  # fmt: skip


def targets(records: Mapping[str, Record]) -> list[Table]:
    """A row a target whose part was measured: wanted, the worst that was found, and by how much it is missed."""
    rows = [row for target in TARGETS if target.part in records and (row := _row(target, records[target.part].cases))]
    return [Table(("target", "wanted", "found, at worst", "where", "missed by"), tuple(rows))] if rows else []


def _row(target: Target, cases: Sequence[Case]) -> tuple[str, ...] | None:
    """None where the run has no such case."""
    wanted = f"{'at least' if target.least else 'at most'} {target.wanted:g}{target.unit}"
    if not (found := list(target.found(cases))):
        return None
    known = [(one.value, one.at) for one in found if one.value is not None]
    if not known:
        return target.claim, wanted, NO_RATIO, "the machine was busy", NO_RATIO
    value, at = (min if target.least else max)(known)
    busy = "" if len(known) == len(found) else f" ({len(found) - len(known)} of {len(found)} left out: the machine was busy)"
    return target.claim, wanted, f"{digits(value)}{target.unit}", at + busy, _missed(target, value)


def _missed(target: Target, value: float) -> str:
    short = (target.wanted - value if target.least else value - target.wanted) / target.wanted
    return "kept" if short <= 0 else f"**{digits(100 * short, 2)}%**"
