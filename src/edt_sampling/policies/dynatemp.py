"""DynaTemp: a linear map from normalised entropy to a range of temperatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class DynaTemp(Policy):
    """T = low + (high - low) * (H / ln n) ** exponent, n the number of tokens that are not masked.

    A single candidate (n = 1) leaves nothing to choose, at any T. This is what llama.cpp (``temp_ext``) and koboldcpp
    call dynamic temperature, with low, high = temperature -/+ range; it is not EDT. There n counts the tokens that
    earlier filters left: filters placed before ``temperature``, with ``entropy_of="filtered"``.
    Source: llama.cpp, ``llama_sampler_init_temp_ext``.
    """

    name: ClassVar[str] = "dynatemp"
    needs: ClassVar[frozenset[str]] = frozenset({"entropy", "support"})

    low: float = parameter(at_least=0)
    high: float = parameter(at_least=0)
    exponent: float = parameter(above=0, default=1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.high < self.low:
            raise ValueError(f"dynatemp: high must be >= low = {self.low:g}, got {self.high:g}")

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        largest = xp.log(xp.clip(s.support, 2, None))
        return p.low + (p.high - p.low) * xp.clip(s.entropy / largest, 0, 1) ** p.exponent
