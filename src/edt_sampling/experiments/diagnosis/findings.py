"""What a diagnosis found: every number that its verdict, its tables and its page show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edt_sampling.experiments.findings import Distribution, Estimate
from edt_sampling.experiments.measures import label

Statistic = Literal["AUROC", "Spearman"]
Kind = Literal["token", "text", "within", "people"]
"""What an outcome is of: right tokens, texts, the texts of one prompt, or what people say of steps."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """How well a measure ranks an outcome, its sign turned so that more is better; None where that is not defined.

    ``difference`` is to entropy, None for entropy itself; ``p`` that it is 0, ``adjusted`` by Holm over all of the diagnosis.
    """

    measure: str
    found: Estimate | None
    difference: Estimate | None = None
    p: float | None = None
    adjusted: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the measures are held against. ``of`` is a policy, or what people were asked; ``told`` says it in a sentence. ``items`` (tokens,
    texts or steps) of ``prompts``."""

    kind: Kind
    of: str
    metric: str
    told: str
    statistic: Statistic
    items: int
    prompts: int
    rankings: tuple[Ranking, ...]

    @property
    def name(self) -> str:
        """In a few words."""
        metric = label(self.metric)
        names: Mapping[Kind, str] = {"text": f"{metric}, {self.of}", "within": f"{metric} within prompts, {self.of}", "people": self.of}
        return names.get(self.kind, "right token")

    @property
    def unit(self) -> str:
        """What its items are."""
        return {"token": "tokens", "people": "steps"}.get(self.kind, "texts")


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Steps whose number lies between ``low`` and ``high``: its mean over them, and the share of them at which the model is right."""

    low: float
    high: float
    mean: float
    right: Estimate
    steps: int


@dataclass(frozen=True, kw_only=True)
class Curve:
    """P(right | measure), in tenths of the references' steps, the surest first."""

    measure: str
    bins: tuple[Bin, ...]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Is the model as often right as its largest probability says? ``ece`` the expected calibration error; ``chance`` the one that a model
    of perfect calibration shows on so many steps; ``gap`` the mean confidence less the share right: above 0 is over-confident; ``sure``
    that gap in the third of the steps with the lowest entropy."""

    bins: tuple[Bin, ...]
    ece: Estimate
    chance: float
    gap: Estimate
    sure: Estimate


@dataclass(frozen=True, kw_only=True)
class Acting:
    """What a policy does. ``temperatures``: its mean T in each bin of its own steps' H, None in an empty one. ``low`` to ``high``: the
    middle 90% of T over its steps. On the references, ``cooled`` is the share of steps that it gives less than ``COOL`` of its hottest T,
    ``right`` how often the model is right there and ``elsewhere`` how often at the others, ``gap`` their difference, and ``auroc`` how well
    T ranks right and wrong; None where it cools nothing, or everything."""

    policy: str
    entropy: Distribution
    temperatures: tuple[float | None, ...]
    low: float
    high: float
    cooled: Estimate
    right: Estimate | None
    elsewhere: Estimate | None
    gap: Estimate | None
    auroc: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy's texts. ``quality`` the primary metric; ``diversity`` Self-BLEU; ``entropy`` (nats) and ``temperature`` per token, of the
    model's own distribution; ``truncated`` and ``looping`` shares of texts; ``third``: the quality of the third of the texts with the
    lowest mean entropy less that of the rest."""

    policy: str
    texts: int
    quality: Estimate
    diversity: Estimate
    entropy: Estimate
    temperature: float
    truncated: float
    looping: Estimate
    third: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A named rule applied to the model or to one policy. ``found`` is None where the run is too small to say. ``evidence`` tells the
    numbers that it was judged by, ``rule`` how, ``advice`` what to do if it was found."""

    name: str
    where: str
    found: bool | None
    evidence: str
    rule: str
    advice: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Human:
    """What people said: who, of how many steps of this run, and Krippendorff's alpha of either question; None where two ratings of one step
    are missing, or all are alike."""

    raters: tuple[str, ...]
    items: int
    certain: float | None
    acceptable: float | None


@dataclass(frozen=True, kw_only=True)
class DiagnosisFindings:
    """All of it. ``outcomes``: right tokens first, then the texts of each policy, then people's ratings."""

    headline: str
    sentences: tuple[str, ...]
    model: str
    task: str
    content: str
    primary: str
    prompts: int
    samples: int
    steps: int
    right: Estimate
    entropies: Distribution
    measures: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    reliability: Reliability
    curves: tuple[Curve, ...]
    policies: tuple[Policy, ...]
    acting: tuple[Acting, ...]
    failures: tuple[Failure, ...]
    human: Human | None
    signatures: Mapping[str, str]
    environments: tuple[Mapping[str, Any], ...]
    recipe: Mapping[str, Any]
    notes: tuple[str, ...]
