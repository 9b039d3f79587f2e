"""Which tokens stay: truncation filters and their place before or after the temperature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeGuard, cast, get_args

EntropyOf = Literal["raw", "filtered"]


@dataclass(frozen=True)
class Temperature:
    """The step that divides the logits by the policy's temperature."""

    name: ClassVar[str] = "temperature"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class TopK:
    """Keep the k most probable tokens; ties go to the lower index."""

    k: int
    name: ClassVar[str] = "top_k"

    def __post_init__(self) -> None:
        if not _is_number(self.k) or self.k < 1 or self.k % 1:
            raise ValueError(f"top_k must be a whole number >= 1, got {self.k!r}; leave it out to keep every token")
        object.__setattr__(self, "k", int(self.k))

    def __str__(self) -> str:
        return f"{self.name}={self.k}"


@dataclass(frozen=True)
class TopP:
    """Keep the smallest set of most probable tokens whose mass is at least p; ties go to the lower index."""

    p: float
    name: ClassVar[str] = "top_p"

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _share(self.name, self.p))

    def __str__(self) -> str:
        return f"{self.name}={self.p!r}"


@dataclass(frozen=True)
class MinP:
    """Keep the tokens with at least p times the probability of the best one (arXiv 2407.01082)."""

    p: float
    name: ClassVar[str] = "min_p"

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _share(self.name, self.p))

    def __str__(self) -> str:
        return f"{self.name}={self.p!r}"


@dataclass(frozen=True)
class TopNSigma:
    """Keep the tokens whose logits are at most n standard deviations below the best one's (arXiv 2411.07641).

    The deviation is that of the logits that are still there, about their mean, divided by their number.
    """

    n: float
    name: ClassVar[str] = "top_n_sigma"

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", _above_0(self.name, self.n))

    def __str__(self) -> str:
        return f"{self.name}={self.n!r}"


@dataclass(frozen=True)
class Typical:
    """Keep the smallest set of tokens with mass of at least p whose -ln probability lies nearest to the entropy (arXiv 2202.00666)."""

    p: float
    name: ClassVar[str] = "typical"

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", _share(self.name, self.p))

    def __str__(self) -> str:
        return f"{self.name}={self.p!r}"


@dataclass(frozen=True)
class TopH:
    """Keep the most probable tokens while their terms -p ln p sum to at most alpha times the entropy; the best one always.

    Source: arXiv 2509.02510 in the form that transformers gives it, there over the 100 most probable tokens, here over all.
    """

    alpha: float
    name: ClassVar[str] = "top_h"

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", _share(self.name, self.alpha))

    def __str__(self) -> str:
        return f"{self.name}={self.alpha!r}"


@dataclass(frozen=True)
class Mirostat:
    """Keep the tokens whose surprise -log2 p is at most what is allowed; the best one always (mirostat 2.0, arXiv 2007.14966).

    A row begins with 2 * tau bits allowed, and every token drawn lowers that by ``RATE`` times what its surprise, among the tokens
    left, has above tau. Whoever generates keeps it: the statistic ``allowed_surprise``. Comes after the temperature, as in llama.cpp.
    """

    tau: float
    name: ClassVar[str] = "mirostat"
    RATE: ClassVar[float] = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau", _above_0(self.name, self.tau))

    def __str__(self) -> str:
        return f"{self.name}={self.tau!r}"

    @property
    def first(self) -> float:
        """The bits that are allowed at the first step."""
        return 2 * self.tau

    def following(self, allowed: Any, probability: Any, xp: Any) -> Any:
        """The bits allowed behind a step that drew a token of this probability, arrays ``[rows]`` of the module ``xp``."""
        return allowed - self.RATE * (-xp.log2(probability) - self.tau)


Filtering = TopK | TopP | MinP | TopNSigma | Typical | TopH | Mirostat
Step = Temperature | Filtering
_FILTERS: dict[str, Callable[[Any], Filtering]] = {kind.name: kind for kind in (TopK, TopP, MinP, TopNSigma, Typical, TopH, Mirostat)}
_WORDS = ("temperature", *_FILTERS, "entropy_of")


@dataclass(frozen=True)
class Filters:
    """The sampler's steps in order, and which distribution's entropy the policy reads.

    ``str()`` prints the order, ``Filters.parse`` reads it back: ``temperature,top_p=0.95``. The temperature comes first
    where it is not named. ``entropy_of="raw"`` is the distribution as the model gave it; ``"filtered"`` what the steps
    before the temperature leave of it.
    """

    steps: tuple[Step, ...] = (Temperature(),)
    entropy_of: EntropyOf = "raw"

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if "temperature" not in names:
            object.__setattr__(self, "steps", (Temperature(), *self.steps))
        if len(set(names)) < len(names):
            raise ValueError(f"filters: each step may stand once, got {','.join(names)}")
        if self.entropy_of not in get_args(EntropyOf):
            raise ValueError(f"filters: entropy_of must be raw or filtered, got {self.entropy_of!r}")
        if any(isinstance(step, Mirostat) for step in self.before):
            raise ValueError(f"filters: mirostat comes after temperature, got {','.join(names)}")

    @classmethod
    def parse(cls, text: str) -> Filters:
        """The filters of a string such as ``top_k=40,temperature,top_p=0.95``; an empty one, or ``none``, has no filters."""
        items = [part.strip() for part in text.split(",") if part.strip() not in ("", "none")]
        pairs = [tuple(part.strip() for part in item.partition("=")[::2]) for item in items]
        entropies = [value for name, value in pairs if name == "entropy_of"]
        if len(entropies) > 1:
            raise ValueError(f"filters {text!r}: entropy_of is given twice")
        steps = tuple(_step(name, value, text) for name, value in pairs if name != "entropy_of")
        return cls(steps, cast(EntropyOf, entropies[0] if entropies else "raw"))

    def __str__(self) -> str:
        return ",".join(map(str, self.steps)) + (",entropy_of=filtered" if self.entropy_of == "filtered" else "")

    @cached_property
    def before(self) -> tuple[Filtering, ...]:
        """The filters before the temperature."""
        return cast(tuple[Filtering, ...], self.steps[: self._temperature])

    @cached_property
    def after(self) -> tuple[Filtering, ...]:
        """The filters after the temperature."""
        return cast(tuple[Filtering, ...], self.steps[self._temperature + 1 :])

    @cached_property
    def mirostat(self) -> Mirostat | None:
        """The step that needs ``allowed_surprise``, if it is there."""
        return next((step for step in self.after if isinstance(step, Mirostat)), None)

    @property
    def _temperature(self) -> int:
        return next(i for i, step in enumerate(self.steps) if isinstance(step, Temperature))


UNFILTERED = Filters()
"""Temperature alone."""


def _step(name: str, value: str, text: str) -> Step:
    if name == "temperature":
        if value:
            raise ValueError(f"filters {text!r}: temperature only marks its place, its number comes from the policy; got {value!r}")
        return Temperature()
    if name not in _FILTERS:
        close = get_close_matches(name, _WORDS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"filters {text!r}: unknown step {name!r}; {hint}known: {', '.join(_WORDS)}")
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"filters {text!r}: {name} must be a number, got {value!r}") from None
    return _FILTERS[name](number)


def _share(name: str, p: object) -> float:
    if not _is_number(p) or not 0 < p <= 1:
        raise ValueError(f"{name} must be a number > 0 and <= 1, got {p!r}")
    return float(p)


def _above_0(name: str, value: object) -> float:
    if not _is_number(value) or value <= 0:
        raise ValueError(f"{name} must be a number > 0, got {value!r}")
    return float(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
