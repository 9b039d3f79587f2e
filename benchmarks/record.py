"""What a part has measured, kept as JSON: tables and pictures are drawn from this alone."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from benchmarks.load import too_much
from benchmarks.side_by_side import Timing


class Spread(NamedTuple):
    """A median with the quartiles on either side."""

    median: float
    low: float
    high: float


def spread(values: list[float]) -> Spread:
    """The median and the quartiles of these; of one value, the value."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Contenders that took turns. ``labels`` say at what; ``others``: cores that other processes kept busy meanwhile; ``threads``: of ours;
    ``facts``: what was found besides times."""

    labels: Mapping[str, Any]
    times: Mapping[str, Timing]
    others: float
    threads: int
    cores: int
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def busy(self) -> bool:
        """Whether the machine was too busy for a ratio."""
        return too_much(self.others, threads=self.threads, cores=self.cores)

    def seconds(self, name: str, clock: Literal["wall", "cpu"] = "wall") -> Spread:
        """Seconds a call of a contender."""
        return spread(getattr(self.times[name], clock))

    def ratio(self, over: str, under: str) -> Spread | None:
        """Wall seconds of ``over`` to those of ``under``, round by round; None where the machine was too busy."""
        if self.busy:
            return None
        return spread([a / b for a, b in zip(self.times[over].wall, self.times[under].wall, strict=True)])


@dataclass(frozen=True, kw_only=True)
class Record:
    """A part's cases in their order, with the machine and the options that they were measured under."""

    part: str
    machine: Mapping[str, Any]
    quick: bool
    threads: int
    day: str
    cases: tuple[Case, ...]

    def write(self, folder: Path) -> Path:
        """Writes ``PART.json``, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.part}.json"
        partial = path.with_suffix(".partial")
        plain = asdict(self) | {"cases": [_plain(case) for case in self.cases]}
        partial.write_text(_lines(plain), encoding="utf-8")
        partial.replace(path)
        return path


def _plain(case: Case) -> dict[str, Any]:
    """A case as JSON holds it: times by name, with five digits."""
    times = {name: {clock: [float(f"{s:.5g}") for s in getattr(t, clock)] for clock in t._fields} for name, t in case.times.items()}
    return asdict(case) | {"times": times, "others": round(case.others, 3)}


def _lines(plain: dict[str, Any]) -> str:
    """JSON with a line a case, so that two records can be compared."""
    cases = ",\n".join(json.dumps(case) for case in plain.pop("cases"))
    return f'{json.dumps(plain)[:-1]}, "cases": [\n{cases}\n]}}\n'


def read(path: Path) -> Record:
    """The record of a file that ``write`` made. Raises ValueError for any other."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        cases = [Case(**case | {"times": {name: Timing(**t) for name, t in case["times"].items()}}) for case in plain["cases"]]
        return Record(**plain | {"cases": tuple(cases)})
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no record of a benchmark ({error}): remove it, and the part is measured again") from None
