"""What a sweep found: every number that its tables and its page show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edt_sampling.experiments.findings import Call, Estimate, Row

Criterion = Literal["effect", "eda"]
"""What a best cell is best by: the largest distance above the fixed curve, or the least EDA."""
Surface = Literal["effect", "eda", "quality", "diversity"]
"""What two maps are compared by: the distance, EDA, the primary metric, Self-BLEU."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One setting of the grid. ``values`` by column, as in a ``Row``, and ``cold``, the share of steps with T below 0.05.

    ``effect`` is its vertical distance to the fixed curve in the primary metric, above 0 is better, with its own 95% interval, None where
    it is not comparable; ``outside`` is the share of resamples whose diversity the curve does not reach. ``p`` is that of a distance of
    0, ``adjusted`` by Holm over the map, ``detectable`` the smallest distance that a run of this size finds 80% of the time at the map's
    level; the three are None too where the cell scored as the curve did on every prompt. ``best``: the share of resamples in which the
    cell is the best one.
    """

    t0: float
    theta: float
    policy: str
    values: Mapping[str, Estimate]
    effect: Estimate | None
    p: float | None
    adjusted: float | None
    detectable: float | None
    outside: float
    call: Call
    best: Mapping[Criterion, float]


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best cell by one criterion. ``share``: of resamples in which it is the best; ``few``: how many cells it takes to hold the best
    one in 95% of resamples."""

    cell: Cell
    share: float
    few: int


@dataclass(frozen=True, kw_only=True)
class TaskMap:
    """One task's map. ``name`` tells it from the others; ``cells`` t0 slowest; ``fixed`` the curve, and greedy where it was run; ``best``
    by distance only where a cell is comparable. ``mean`` is the mean distance of the comparable cells; ``least`` the
    least adjusted p that the run could have shown: above 0.05, no cell could have been marked."""

    name: str
    model: str
    task: str
    content: str
    prompts: int
    samples: int
    seeds: tuple[int, ...]
    filters: str
    primary: str
    qualities: tuple[str, ...]
    cells: tuple[Cell, ...]
    fixed: tuple[Row, ...]
    mean: Estimate | None
    least: float | None
    best: Mapping[Criterion, Best]
    signatures: Mapping[str, str]
    environments: tuple[Mapping[str, Any], ...]
    recipe: Mapping[str, Any]

    @property
    def comparable(self) -> tuple[Cell, ...]:
        """The cells that can be held against the curve."""
        return tuple(cell for cell in self.cells if cell.effect)

    @property
    def different(self) -> tuple[Cell, ...]:
        """Those that differ from it."""
        return tuple(cell for cell in self.cells if cell.call in ("better", "worse"))


@dataclass(frozen=True, kw_only=True)
class Regret:
    """What is lost on the map ``on`` by taking the cell that is best on the map ``of`` instead of its own best.

    Both are points on ``on``'s prompts: of the distance, or of EDA; 0 or more. ``lost`` is None where the cell cannot be compared on
    ``on``. It is too large if anything: the prompts that measure it chose ``own``.
    """

    by: Criterion
    of: str
    on: str
    taken: str
    own: str
    lost: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Spearman's rank correlation of two maps over ``cells`` cells; of a map with itself, of one half of its prompts with the other, the
    mean over ``best_of.SPLITS`` halvings. None where fewer than three cells are left, or all of them are alike."""

    by: Surface
    one: str
    other: str
    cells: int
    correlation: Estimate | None


@dataclass(frozen=True, kw_only=True)
class SweepFindings:
    """All of it: a map a task, the same grid in each."""

    headline: str
    sentences: tuple[str, ...]
    method: str
    diversity: str
    t0: tuple[float, ...]
    theta: tuple[float, ...]
    maps: tuple[TaskMap, ...]
    regrets: tuple[Regret, ...]
    agreements: tuple[Agreement, ...]
