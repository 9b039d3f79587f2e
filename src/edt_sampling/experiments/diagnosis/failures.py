"""Failure signatures: named rules over a diagnosis' numbers, every threshold in one place, each with advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edt_sampling.experiments.diagnosis.findings import Acting, Failure, Policy, Reliability
from edt_sampling.experiments.diagnosis.growth import FEWEST, Growth
from edt_sampling.experiments.diagnosis.verdict import told
from edt_sampling.experiments.findings import Distribution, Estimate


@dataclass(frozen=True)
class Thresholds:
    """Our choices; each is named in its rule's sentence. Entropies in nats, shares on 0..1, sizes in bytes."""

    open_entropy: float = 1.0
    alike: float = 0.5
    better_by: float = 0.1
    calibration: float = 0.05
    overconfident: float = 0.05
    saturated_entropy: float = 2.0
    moves: float = 0.1
    sure_entropy: float = 0.25
    sure_share: float = 0.75
    grows_by: float = 0.1
    grows_bytes: float = 64e6
    looping: float = 0.05


THRESHOLDS = Thresholds()


def failures(
    policies: Sequence[Policy], acting: Sequence[Acting], reliability: Reliability, entropies: Distribution, growth: Growth | None
) -> list[Failure]:
    """Every rule on all that it applies to: those of the model first, then policy by policy."""
    found = [nearly_always_sure(entropies), overconfident(reliability), memory_growth(growth)]
    for policy, acts in zip(policies, acting, strict=True):
        found += [low_diversity(policy), poor_when_sure(policy), loops(policy)]
        if not policy.policy.startswith("fixed:"):
            found.append(fixed_here(acts, entropies))
    return found


def low_diversity(policy: Policy, limits: Thresholds = THRESHOLDS) -> Failure:
    """Self-BLEU surely above ``alike`` although the model's mean entropy is surely above ``open_entropy``."""
    return Failure(
        name="low diversity in spite of high entropy",
        where=policy.policy,
        found=_ends(policy.diversity)[0] >= limits.alike and _ends(policy.entropy)[0] >= limits.open_entropy,
        evidence=f"Self-BLEU {told(policy.diversity)} at a mean entropy of {told(policy.entropy, 2)} nats",
        rule=f"the lower ends of both intervals at {limits.alike:g} Self-BLEU and {limits.open_entropy:g} nats, or above",
        advice="The model leaves room that the sampler takes away: raise the temperature (t0), lower theta, or cut less (a larger top-p).",
        numbers={"self_bleu": policy.diversity.mean, "entropy": policy.entropy.mean},
    )


def poor_when_sure(policy: Policy, limits: Thresholds = THRESHOLDS) -> Failure:
    """The third of the texts with the lowest mean entropy surely no better than the rest by ``better_by`` of the mean quality."""
    third, wanted = policy.third, limits.better_by * policy.quality.mean
    return Failure(
        name="poor quality at low entropy",
        where=policy.policy,
        found=None if third is None or third.high is None else third.high < wanted,
        evidence="texts of every entropy are alike in it, so there is no third to compare"
        if third is None
        else f"the third of the texts with the lowest mean entropy scores {told(third, signed=True)} against the rest, of mean "
        f"{policy.quality.mean:.3f}",
        rule=f"the upper end of the interval below {limits.better_by:.0%} of the mean score ({wanted:.3f})",
        advice="Low entropy does not mean good text here, so cooling there buys nothing: look at what the surest texts say.",
        numbers={} if third is None else {"difference": third.mean, "quality": policy.quality.mean},
    )


def overconfident(found: Reliability, limits: Thresholds = THRESHOLDS) -> Failure:
    """ECE beyond chance by ``calibration``, and in the third of the steps of lowest entropy surely ``overconfident``."""
    return Failure(
        name="over-confident where it is sure",
        where="model",
        found=None
        if found.sure.low is None
        else found.ece.mean >= found.chance + limits.calibration and found.sure.low >= limits.overconfident,
        evidence=f"ECE {told(found.ece)} ({found.chance:.3f} by chance); in the third of the steps with the lowest entropy, "
        f"confidence less share right {told(found.sure, signed=True)}",
        rule=f"ECE {limits.calibration:g} above chance or more, and the lower end of the other interval {limits.overconfident:g} or more",
        advice="Its low entropies cannot be trusted: calibrate it (a fixed temperature on its logits, found on dev) or train it less long.",
        numbers={"ece": found.ece.mean, "chance": found.chance, "gap": found.sure.mean},
    )


def fixed_here(acts: Acting, entropies: Distribution, limits: Thresholds = THRESHOLDS) -> Failure:
    """The middle 90% of T within ``moves`` of its hottest end."""
    spread = (acts.high - acts.low) / acts.high if acts.high > 0 else 0.0
    above = above_share(acts.entropy, limits.saturated_entropy)
    return Failure(
        name=f"{acts.policy.partition(':')[0]} is a fixed temperature here",
        where=acts.policy,
        found=spread < limits.moves,
        evidence=f"90% of its steps get T from {acts.low:.3f} to {acts.high:.3f}, {spread:.0%} apart; {above:.0%} of them have H above "
        f"{limits.saturated_entropy:g} nats ({above_share(entropies, limits.saturated_entropy):.0%} of the references')",
        rule=f"less than {limits.moves:.0%} apart",
        advice="Compare it with a fixed temperature of its mean and keep the simpler one; or raise theta, or train the model until it is "
        "sure more often.",
        numbers={"low": acts.low, "high": acts.high, "spread": spread, "saturated": above},
    )


def nearly_always_sure(entropies: Distribution, limits: Thresholds = THRESHOLDS) -> Failure:
    """Nearly all of the references' steps below ``sure_entropy``."""
    sure = 1 - above_share(entropies, limits.sure_entropy)
    return Failure(
        name="nearly always sure",
        where="model",
        found=sure >= limits.sure_share,
        evidence=f"{sure:.0%} of the references' steps have H below {limits.sure_entropy:g} nats",
        rule=f"{limits.sure_share:.0%} or more",
        advice="Every temperature up to 1 is nearly greedy here, so no policy can differ much: compare at higher temperatures, or on a "
        "task with more than one good answer.",
        numbers={"sure": sure},
    )


def memory_growth(growth: Growth | None, limits: Thresholds = THRESHOLDS) -> Failure:
    """What is held grows by ``grows_by`` of what was held at first, and by ``grows_bytes``, beyond what lengths explain."""
    rule = f"{limits.grows_by:.0%} or more of what was held at first, and {limits.grows_bytes / 1e6:.0f} MB or more"
    advice = "Something is kept from prompt to prompt: lower cache_bytes, update torch and transformers, and report it if it stays."
    if growth is None:
        evidence = f"no start of this run decoded {FEWEST} prompts after its warm-up, or the engine does not tell its memory"
        return Failure(
            name="memory growth", where="engine", found=None, evidence=evidence, rule=rule, advice=advice, numbers=dict[str, float]()
        )
    relative, each = growth.bytes / growth.start, growth.bytes / max(1.0, growth.tokens)
    return Failure(
        name="memory growth",
        where="engine",
        found=growth.bytes >= max(limits.grows_by * growth.start, limits.grows_bytes),
        evidence=f"{growth.bytes / 1e6:+.0f} MB ({relative:+.0%}) over {growth.units} prompts beyond what lengths explain, "
        f"{each:+.0f} bytes a generated token",
        rule=rule,
        advice=advice,
        numbers={"bytes": growth.bytes, "relative": relative, "bytes_per_token": each},
    )


def loops(policy: Policy, limits: Thresholds = THRESHOLDS) -> Failure:
    """A share of texts that say the same few tokens over and over."""
    return Failure(
        name="degenerate loops",
        where=policy.policy,
        found=policy.looping.mean >= limits.looping,
        evidence=f"{told(policy.looping)} of its texts repeat a block of up to 8 tokens four times or more in a row",
        rule=f"{limits.looping:.0%} or more",
        advice="The sampler is too cold for this model: raise the temperature or lower theta, or stop at the repetition.",
        numbers={"looping": policy.looping.mean},
    )


def above_share(found: Distribution, entropy: float) -> float:
    """The share of steps at or above an entropy that is an edge of the histogram."""
    return sum(share for edge, share in zip(found.edges, found.shares, strict=False) if edge >= entropy - 1e-9)


def _ends(found: Estimate) -> tuple[float, float]:
    """The interval, or the number itself where there is none."""
    return (found.mean, found.mean) if found.low is None or found.high is None else (found.low, found.high)
