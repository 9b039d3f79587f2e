"""From a number to one of the palette's steps of colour."""

from __future__ import annotations

from dataclasses import dataclass

from edt_sampling.reports.charts.palette import LIGHT

_SIDES = sum(name.startswith("over-") for name in LIGHT)
_LEVELS = sum(name.startswith("level-") for name in LIGHT)


@dataclass(frozen=True)
class Scale:
    """Steps of equal width from ``low`` to ``high``: blue above and orange below 0 where it is ``centred``, which then lies midway."""

    low: float
    high: float
    centred: bool = False

    @property
    def steps(self) -> list[str]:
        """The colours from low to high."""
        if not self.centred:
            return [LIGHT[f"level-{i}"] for i in range(_LEVELS)]
        sides = range(1, _SIDES + 1)
        return [*(LIGHT[f"under-{i}"] for i in reversed(sides)), LIGHT["even"], *(LIGHT[f"over-{i}"] for i in sides)]

    def colour(self, value: float) -> str:
        """The step that holds the value; the middle one where all values are alike."""
        steps = self.steps
        if self.high <= self.low:
            return steps[len(steps) // 2]
        place = int(len(steps) * (value - self.low) / (self.high - self.low))
        return steps[min(max(place, 0), len(steps) - 1)]


def centred(values: list[float]) -> Scale:
    """As far above 0 as below."""
    far = max((abs(value) for value in values), default=0.0)
    return Scale(-far, far, centred=True)


def level(values: list[float]) -> Scale:
    """From the least value to the largest."""
    return Scale(min(values, default=0.0), max(values, default=0.0))
