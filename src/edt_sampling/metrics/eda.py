"""EDA: quality and diversity in one number, the Euclidean distance from the ultimate aim."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class EdaValue(NamedTuple):
    """A distance and its two legs: ``value ** 2 == quality_term ** 2 + diversity_term ** 2``, all of the inputs' shape."""

    value: FloatArray
    quality_term: FloatArray
    diversity_term: FloatArray


@dataclass(frozen=True)
class Eda:
    """Distance from the point (quality = R, Self-BLEU = 0); 0 upwards, lower is better.

    With Q the quality (ROUGE-L, BLEU) and S the Self-BLEU, both on 0..1::

        quality_term   = 100 * max(0, R - Q) / R
        diversity_term = 100 * w * S / P
        EDA            = sqrt(quality_term ** 2 + diversity_term ** 2)

    Print both terms with it: one number hides which of the two moved. The paper that proposed it gives no constants that
    could be checked, so R, P and w are stated in the signature and no parity with its absolute values is claimed.

    **Quality above the aim.** The formula squares (R - Q) / R, so unclipped it would punish a quality above R as much as one
    below it, and "lower is better" would be false. The gap is clipped at 0: EDA never rises with quality. A setting past
    R is told apart by diversity alone; if many settings are past it, R is too low.

    Feed it means over prompts, not single prompts: the clip and the root make the mean of EDAs another thing than the EDA of means.

    Attributes:
        target: R, the quality to aim for, in (0, 1]; by custom the greedy score on dev.
        self_bleu_scale: P, the Self-BLEU that counts as wholly repetitive, in (0, 1].
        weight: w, the weight of diversity, 0 or more; None takes R / P.

    Source: Li et al. 2021, arXiv 2109.03402; used for EDT by Zhang et al. 2024, arXiv 2403.14541.
    """

    target: float
    _: KW_ONLY
    self_bleu_scale: float = 1.0
    weight: float | None = None

    name: ClassVar[str] = "eda"
    reads: ClassVar[str] = "scores"

    def __post_init__(self) -> None:
        for name, value in (("target", self.target), ("self_bleu_scale", self.self_bleu_scale)):
            if not 0 < value <= 1:
                raise ValueError(f"{name} must lie in (0, 1], got {value}; scores are fractions here: divide a percentage by 100")
        if self.weight is not None and not 0 <= self.weight < math.inf:
            raise ValueError(f"weight must be finite and 0 or more, got {self.weight}; None takes target / self_bleu_scale")

    @property
    def diversity_weight(self) -> float:
        """The w in force: ``weight``, or R / P where it is None."""
        return self.target / self.self_bleu_scale if self.weight is None else self.weight

    @property
    def signature(self) -> str:
        """For example ``eda|R:0.25|P:1|w:0.25|above:clip|scale:100``, numbers in full."""
        return f"eda|R:{self.target!r}|P:{self.self_bleu_scale!r}|w:{self.diversity_weight!r}|above:clip|scale:100"

    def __call__(self, quality: npt.ArrayLike, self_bleu: npt.ArrayLike) -> EdaValue:
        """EDA and its terms for each pair; the two broadcast, so a bootstrap's ``[resamples, settings]`` goes in whole.

        A nan in, a nan out.

        Raises:
            ValueError: a value lies outside 0..1.
        """
        q, s = _fractions("quality", quality), _fractions("self_bleu", self_bleu)
        quality_term, diversity_term = np.broadcast_arrays(
            100 * np.maximum(0.0, self.target - q) / self.target,
            100 * self.diversity_weight * s / self.self_bleu_scale,
        )
        return EdaValue(np.asarray(np.hypot(quality_term, diversity_term)), quality_term, diversity_term)


def _fractions(name: str, values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    outside = array[(array < 0) | (array > 1)]
    if outside.size:
        raise ValueError(f"{name} must lie on 0..1, got {outside[0]}; divide percentages by 100")
    return array
