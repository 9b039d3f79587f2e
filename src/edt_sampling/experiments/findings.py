"""What a comparison found: every number that its verdict, its tables and its page show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

StageName = Literal["dev", "test", "shuffled", "sweep"]
Role = Literal["greedy", "fixed", "baseline", "candidate", "chosen", "tuned", "matched entropy", "matched temperature", "shuffled"]
"""``fixed``: a point of the fixed temperatures' curve; ``baseline``: the one of them with the best EDA on dev; ``candidate``: a method's
setting; ``chosen``: the one of them farthest above the curve on dev; ``tuned``: the one with the best EDA on dev; the rest are ablations of
the subject's chosen setting."""
Call = Literal["better", "worse", "no difference detected", "scored alike", "not comparable"]
"""``scored alike``: no prompt tells the setting from the fixed temperatures, so nothing is known of a difference."""


@dataclass(frozen=True)
class Estimate:
    """A number with the ends of its 95% interval, None where none is given."""

    mean: float
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float:
        """Half the interval's width; infinite where none is given."""
        return inf if self.low is None or self.high is None else (self.high - self.low) / 2


@dataclass(frozen=True, kw_only=True)
class Row:
    """One setting of one stage. ``values`` by column: the metrics, ``truncated`` (share of texts), ``temperature``, ``entropy`` (nats, per
    token); on dev also ``effect``, where it is comparable."""

    stage: StageName
    method: str
    policy: str
    filters: str
    role: Role
    values: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A chosen setting's vertical distance to the fixed curve in one metric, on test: above 0 is better.

    ``effect``, ``p`` and ``adjusted`` (Holm over the family) are None where it is not comparable. ``detectable`` is the smallest effect
    that a run of this size finds 80% of the time at the family's level, None too where all prompts scored alike; ``outside`` the share of
    resamples whose diversity the curve does not reach.
    """

    method: str
    policy: str
    metric: str
    effect: Estimate | None
    p: float | None
    adjusted: float | None
    detectable: float | None
    outside: float
    call: Call


@dataclass(frozen=True, kw_only=True)
class Paired:
    """The mean difference ``policy`` less ``other`` of one column over the same test prompts. p is None for columns that are no quality."""

    method: str
    policy: str
    other_method: str
    other: str
    metric: str
    difference: Estimate
    p: float | None
    adjusted: float | None


@dataclass(frozen=True)
class BandPoint:
    """The fixed curve at one diversity."""

    diversity: float
    quality: Estimate


@dataclass(frozen=True)
class BestOf:
    """The expected effect, on dev prompts that did not choose it, of the best of ``k`` of a method's settings."""

    method: str
    k: int
    effect: float


@dataclass(frozen=True, kw_only=True)
class ForcedPoint:
    """A setting teacher-forced on references: per-token means. ``nll`` is that of the tempered distribution with 1% of the untempered one
    mixed in, ``exact`` without; ``distance`` its nll less that of the fixed temperature with the same mean tempered entropy: above 0 is
    worse; None where no fixed temperature of the grid has it, and for fixed temperatures themselves."""

    method: str
    policy: str
    temperature: float
    entropy: float
    nll: Estimate
    exact: float
    distance: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Shares of what falls between ``edges`` (one more than shares); the last bin holds what lies above too. Shares sum to 1."""

    method: str
    policy: str
    edges: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Where the subject's policies act on this model: H of the references' steps, and T of each policy at the middle of each bin, or at
    the mean statistics of the steps in it."""

    entropy: Distribution
    temperatures: tuple[tuple[str, tuple[float | None, ...]], ...]


@dataclass(frozen=True)
class Token:
    """A generated token: what it adds to the text, H (nats), T, and the probability that it was drawn with; a whole text with NaN for all
    three where the engine shows texts alone."""

    piece: str
    entropy: float
    temperature: float
    probability: float


@dataclass(frozen=True, kw_only=True)
class Text:
    """One generated text with its score in the primary metric."""

    method: str
    policy: str
    seed: int
    sample: int
    score: float
    finish: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A test prompt picked by rule, with the texts of the fixed temperature that matches the subject on mean tempered entropy (of the
    baseline where none does), then of the subject's chosen setting. ``difference``: the prompt's mean score of the second less the first's.
    """

    why: str
    example: str
    difference: float
    prompt: str
    references: tuple[str, ...]
    texts: tuple[Text, ...]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All of it. ``subject`` is the method that the headline is about: the recipe's first that is no fixed temperature.

    Where the engine showed texts alone, ``forced``, ``entropies`` and ``temperatures`` are empty, and so is ``acting``.
    """

    headline: str
    sentences: tuple[str, ...]
    subject: str
    primary: str
    diversity: str
    model: str
    task: str
    content: str
    dev_prompts: int
    test_prompts: int
    samples: int
    seeds: tuple[int, ...]
    sequential: bool
    rows: tuple[Row, ...]
    band: tuple[BandPoint, ...]
    effects: tuple[Effect, ...]
    paired: tuple[Paired, ...]
    ablations: tuple[Paired, ...]
    best_of: tuple[BestOf, ...]
    forced: tuple[ForcedPoint, ...]
    forced_tokens: int
    acting: Acting
    entropies: tuple[Distribution, ...]
    temperatures: tuple[Distribution, ...]
    lengths: tuple[Distribution, ...]
    contrasts: tuple[Contrast, ...]
    signatures: Mapping[str, str]
    environments: tuple[Mapping[str, Any], ...]
    recipe: Mapping[str, Any]
    notes: tuple[str, ...]
