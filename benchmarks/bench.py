"""What every part measures with: the timer, the eye on other processes, and a voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.load import Load
from benchmarks.record import Case
from benchmarks.side_by_side import Contender, side_by_side


@dataclass(frozen=True, kw_only=True)
class Bench:
    """``quick``: fewer and smaller cases, and less time for each. ``threads``: of those contenders that can use several."""

    quick: bool
    threads: int
    load: Load
    tell: Callable[[str], object]

    def case(
        self,
        labels: Mapping[str, Any],
        contenders: Mapping[str, Contender | Callable[[], Any]],
        *,
        threads: int | None = None,
        seconds: float = 2.0,
        rounds: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Case:
        """Times the contenders side by side; ``seconds`` and ``rounds`` as ``side_by_side`` has them; ``threads`` where not all work."""
        since = self.load.mark()
        times = side_by_side(contenders, seconds=seconds / 4 if self.quick else seconds, rounds=rounds)
        case = Case(
            labels=dict(labels),
            times=times,
            others=self.load.others(since),
            threads=threads or self.threads,
            cores=self.load.cores,
            facts=dict(facts or {}),
        )
        self.tell(_told(case))
        return case


def _told(case: Case) -> str:
    told = ", ".join(f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in case.labels.items())
    times = " | ".join(f"{name} {1000 * case.seconds(name).median:.3g} ms" for name in case.times)
    return f"  {told}: {times}" + (f" | others took {case.others:.1f} cores" if case.busy else "")
