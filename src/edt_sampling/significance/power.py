"""Power: the smallest effect that so many prompts can show, and the prompts that an effect takes."""

from __future__ import annotations

import math
from statistics import NormalDist


def detectable(sd: float, n: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest true mean difference that a two-sided paired test at ``alpha`` finds with probability ``power``.

    ::

        (z[1 - alpha/2] + z[power]) * sd / sqrt(n)        2.80 * sd / sqrt(n) by default

    in the units of ``sd``. Normal approximation, the chance of a significant result on the wrong side neglected: good from
    about 30 prompts on. Print it beside every "no difference detected".

    Args:
        sd: standard deviation over prompts of the *paired difference* (of prompt means over the K outputs), 0 or more.
        n: prompts, at least 2.

    Raises:
        ValueError: a parameter outside its range.
    """
    if n < 2:
        raise ValueError(f"n must be 2 prompts or more, got {n}")
    return _quantiles(sd, alpha, power) * sd / math.sqrt(n)


def prompts_needed(sd: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """The fewest prompts at which ``detectable`` is at most ``difference``, at least 2.

    ::

        ceil(((z[1 - alpha/2] + z[power]) * sd / difference) ** 2)

    Args:
        sd: as for ``detectable``.
        difference: the true mean difference to find, in the units of ``sd``; its sign does not matter.

    Raises:
        ValueError: a parameter outside its range.
    """
    if difference == 0 or not math.isfinite(difference):
        raise ValueError(f"difference must be finite and other than 0, got {difference}; no number of prompts shows a difference of 0")
    return max(2, math.ceil((_quantiles(sd, alpha, power) * sd / difference) ** 2))


def _quantiles(sd: float, alpha: float, power: float) -> float:
    if not 0 <= sd < math.inf:
        raise ValueError(f"sd must be finite and 0 or more, got {sd}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie in (0, 1), got {alpha}; 0.05 for 5%")
    # At a power of alpha or less nothing needs to be there: chance alone is significant that often.
    if not alpha < power < 1:
        raise ValueError(f"power must lie in (alpha, 1) = ({alpha}, 1), got {power}")
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)
