"""Each failure signature on numbers that trigger it, and on numbers that just do not."""

from dataclasses import replace

import numpy as np
import pytest

from edt_sampling.experiments.diagnosis import failures as rules
from edt_sampling.experiments.diagnosis.findings import Acting, Policy, Reliability
from edt_sampling.experiments.diagnosis.growth import FEWEST, WARM_UP, growth
from edt_sampling.experiments.diagnosis.loops import loops
from edt_sampling.experiments.diagnosis.verdict import failed
from edt_sampling.experiments.distributions import ENTROPY_EDGES, shares
from edt_sampling.experiments.findings import Distribution, Estimate
from edt_sampling.store import UnitMemory

POLICY = Policy(
    policy="edt:t0=0.8,theta=0.2",
    texts=100,
    quality=Estimate(0.2, 0.15, 0.25),
    diversity=Estimate(0.2, 0.1, 0.3),
    entropy=Estimate(2.0, 1.8, 2.2),
    temperature=0.7,
    truncated=0.0,
    looping=Estimate(0.0, 0.0, 0.0),
    third=Estimate(0.1, 0.05, 0.15),
)
RELIABLE = Reliability(bins=(), ece=Estimate(0.02, 0.01, 0.03), chance=0.015, gap=Estimate(0.0, -0.01, 0.01), sure=Estimate(0, -0.01, 0.01))


def histogram(*entropy: float) -> Distribution:
    return Distribution(method="", policy="", edges=ENTROPY_EDGES, shares=shares(np.array(entropy), ENTROPY_EDGES))


ACTS = Acting(
    policy="edt:t0=0.8,theta=0.2",
    entropy=histogram(0.1, 0.5, 1, 3),
    temperatures=(),
    low=0.4,
    high=0.79,
    cooled=Estimate(0.4, 0.3, 0.5),
    right=None,
    elsewhere=None,
    gap=None,
    auroc=None,
)


@pytest.mark.parametrize(
    ("diversity", "entropy", "found"),
    [
        (Estimate(0.6, 0.5, 0.7), Estimate(1.2, 1.0, 1.4), True),
        (Estimate(0.6, 0.49, 0.7), Estimate(1.2, 1.0, 1.4), False),
        (Estimate(0.6, 0.5, 0.7), Estimate(1.2, 0.99, 1.4), False),
        (Estimate(0.6), Estimate(1.2), True),
    ],
)
def test_low_diversity_in_spite_of_high_entropy(diversity, entropy, found):
    failure = rules.low_diversity(replace(POLICY, diversity=diversity, entropy=entropy))
    assert (failure.name, failure.found) == ("low diversity in spite of high entropy", found)
    assert failure.evidence.startswith("Self-BLEU 0.6")
    assert failure.numbers == {"self_bleu": 0.6, "entropy": 1.2}


@pytest.mark.parametrize(
    ("third", "found"),
    [(Estimate(0.0, -0.03, 0.019), True), (Estimate(0.0, -0.03, 0.021), False), (None, None), (Estimate(-0.1), None)],
)
def test_poor_quality_at_low_entropy(third, found):
    """A tenth of the mean quality is .02."""
    assert rules.poor_when_sure(replace(POLICY, third=third)).found is found


@pytest.mark.parametrize(
    ("ece", "sure", "found"),
    [
        (0.07, Estimate(0.1, 0.05, 0.15), True),
        (0.06, Estimate(0.1, 0.05, 0.15), False),
        (0.07, Estimate(0.1, 0.04, 0.15), False),
        (0.07, Estimate(0.1), None),
    ],
)
def test_over_confident_where_it_is_sure(ece, sure, found):
    assert rules.overconfident(replace(RELIABLE, ece=Estimate(ece, ece, ece), sure=sure)).found is found


@pytest.mark.parametrize(("low", "found"), [(0.75, True), (0.71, False)])
def test_edt_is_a_fixed_temperature_here(low, found):
    """The published example: nearly all steps above 2 nats."""
    failure = rules.fixed_here(replace(ACTS, low=low, entropy=histogram(*[3.0] * 23, 0.5, 1.0)), histogram(3.0, 0.1))
    assert (failure.name, failure.found) == ("edt is a fixed temperature here", found)
    assert "92% of them have H above 2 nats (50% of the references')" in failure.evidence


def test_a_greedy_policy_spreads_nothing():
    assert rules.fixed_here(replace(ACTS, low=0.0, high=0.0), histogram(1.0)).found is True


@pytest.mark.parametrize(("sure", "found"), [(75, True), (74, False)])
def test_nearly_always_sure(sure, found):
    assert rules.nearly_always_sure(histogram(*[0.1] * sure, *[0.25] * (100 - sure))).found is found


@pytest.mark.parametrize(("share", "found"), [(0.05, True), (0.04, False)])
def test_degenerate_loops_by_their_share(share, found):
    assert rules.loops(replace(POLICY, looping=Estimate(share, share, share))).found is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x y y y y y y y y z", True),
        ("x y y y y y y y z", False),
        ("a b a b a b a b", True),
        ("a b a b a b a c", False),
        ("q a b c a b c a b c a b c", True),
        ("a b c d e f g h i " * 9, False),
        ("a b c d e f g h " * 4, True),
        ("", False),
        ("a", False),
    ],
)
def test_loops(text, found):
    """Eight times a token, four times a block of two to eight."""
    words = text.split()
    assert loops(np.array([sorted(set(words)).index(word) for word in words], dtype=int)) is found


def memory(extra: float, *, units: int = 60, peak: int = 0, seed: int = 0, start: int = 1) -> tuple[list[UnitMemory], dict, dict]:
    """A gigabyte with 2 MB of noise, ``peak`` more from the largest unit on, ``extra`` more from the first unit to the last."""
    generator = np.random.default_rng(seed)
    sizes, prompts = generator.integers(50, 400, units), generator.integers(200, 2000, units)
    largest = np.maximum.accumulate(sizes)
    held = 1e9 + generator.normal(0, 2e6, units) + peak * largest + np.linspace(0, extra, units)
    found = [UnitMemory(start, "samples", unit, int(value)) for unit, value in enumerate(held)]
    return found, {("samples", u): float(s) for u, s in enumerate(sizes)}, {u: float(p) for u, p in enumerate(prompts)}


def test_memory_that_grows_is_told_from_memory_that_long_texts_take():
    leak, long = growth(*memory(3e8)), growth(*memory(0, peak=400_000))
    assert leak.bytes == pytest.approx(3e8 * (60 - WARM_UP - 1) / 59, rel=0.1)
    assert abs(long.bytes) < 3e7
    assert rules.memory_growth(leak).found is True
    assert rules.memory_growth(long).found is False
    assert "MB" in rules.memory_growth(leak).evidence


def test_a_short_run_is_not_judged_and_the_longest_start_is():
    assert growth(*memory(3e8, units=FEWEST + WARM_UP - 1)) is None
    assert rules.memory_growth(None).found is None
    short, tokens, prompts = memory(0, units=10, start=1)
    long, *_ = memory(3e8, start=2)
    more = {("samples", u): 100.0 for u in range(60)} | tokens
    assert growth([*short, *long], more, dict.fromkeys(range(60), 100.0) | prompts).units == 60 - WARM_UP


def test_every_rule_is_applied_and_none_detected_is_said():
    found = rules.failures([POLICY], [ACTS], RELIABLE, histogram(0.1, 1, 2, 3), None)
    assert len({(f.name, f.where) for f in found}) == 7
    assert all(f.advice.endswith(".") and f.rule and f.evidence for f in found)
    assert failed(found) == "No failure signature was detected. Not judged: memory growth (engine)."
    fixed = replace(POLICY, policy="fixed:temperature=1", looping=Estimate(0.2, 0.1, 0.3))
    found = rules.failures([fixed], [replace(ACTS, policy=fixed.policy)], RELIABLE, histogram(1.0), None)
    assert not any("is a fixed temperature" in f.name for f in found), "a fixed temperature is one by design"
    assert failed(found).startswith("Failure signatures detected: degenerate loops (fixed:temperature=1).")
