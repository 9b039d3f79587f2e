"""A map's surfaces over its cells: of all prompts, of resamples of them, and of their halves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.best_of import halvings
from edt_sampling.experiments.choice import aim
from edt_sampling.experiments.measures import DIVERSITY
from edt_sampling.experiments.scored import Scored
from edt_sampling.experiments.sweep.findings import Surface
from edt_sampling.metrics.eda import Eda
from edt_sampling.significance.bootstrap import resample_means
from edt_sampling.significance.curve import distance

FloatArray = npt.NDArray[np.float64]
Drawn = Mapping[Surface, FloatArray]
"""Each surface over the cells, ``[..., cells]``."""


@dataclass(frozen=True)
class Surfaces:
    """The primary metric and Self-BLEU, ``[prompts, settings]`` each, and which settings are the cells and which the curve."""

    quality: FloatArray
    diversity: FloatArray
    cells: tuple[int, ...]
    curve: tuple[int, ...]
    eda: Eda

    @property
    def prompts(self) -> int:
        """How many there are."""
        return len(self.quality)

    def whole(self) -> Drawn:
        """Of all prompts, ``[cells]``."""
        return self._of(self.quality.mean(axis=0), self.diversity.mean(axis=0))

    def resampled(self, resamples: int) -> Drawn:
        """Of resamples of the prompts, ``[resamples, cells]``: the same resamples as every interval's."""
        means = resample_means(np.stack([self.quality, self.diversity], axis=-1), resamples=resamples, seed=0)
        return self._of(means[..., 0], means[..., 1])

    def halves(self) -> tuple[Drawn, Drawn]:
        """Of one half of the prompts and of the other, ``[splits, cells]``."""
        one, other = (self._of(shares @ self.quality, shares @ self.diversity) for shares in halvings(self.prompts))
        return one, other

    def _of(self, quality: FloatArray, diversity: FloatArray) -> Drawn:
        """Of these means ``[..., settings]``; off the curve it goes on straight, as ``distance`` says."""
        cells, curve = list(self.cells), list(self.curve)
        q, s = quality[..., cells], diversity[..., cells]
        effect = distance(s, q, curve_diversity=diversity[..., curve], curve_quality=quality[..., curve])
        eda = self.eda(*(np.clip(v, 0, 1) for v in (q, s)))  # a mean of ones may be above 1 by rounding
        return {"effect": effect, "eda": eda.value, "quality": q, "diversity": s}


def surfaces(scored: Scored) -> Surfaces:
    """Those of a scored sweep."""
    quality, diversity = scored.scores.values[scored.primary], scored.scores.values[DIVERSITY]
    eda = aim(scored.settings, quality.mean(axis=0))
    return Surfaces(quality, diversity, tuple(scored.having("candidate")), tuple(scored.curve), eda)
