"""A method's distance to the fixed temperatures' curve, against ones worked out by hand."""

import numpy as np
import pytest
from fake_scores import around, fixed, scored_of, setting
from scipy.interpolate import PchipInterpolator

from edt_sampling.experiments.effects import effects
from edt_sampling.experiments.findings import Effect
from edt_sampling.experiments.scored import Scored
from edt_sampling.significance.curve import influence
from edt_sampling.significance.holm import holm
from edt_sampling.significance.power import detectable

CURVE = [fixed(0, "greedy"), fixed(0.3), fixed(0.6, "baseline"), fixed(1)]
QUALITY, DIVERSITY = [0.9, 0.6, 0.5, 0.2], [1.0, 0.5, 0.4, 0.1]
EDT, UDT = setting("EDT", "edt:t0=1,theta=1", "chosen"), setting("UDT", "udt:t0=1,theta=1", "chosen")


def one(quality: float, diversity: float, *, sd: float = 0.01, prompts: int = 40, sequential: bool = False) -> Effect:
    """The effect of a method whose means are these."""
    columns = around([*QUALITY, quality], sd=sd, prompts=prompts), around([*DIVERSITY, diversity], sd=sd, prompts=prompts, seed=1)
    (found,) = effects(scored_of([*CURVE, EDT], *columns, sequential=sequential))
    return found


def test_a_method_that_decodes_as_a_fixed_temperature_has_no_effect():
    quality, diversity = around(QUALITY), around(DIVERSITY, seed=1)
    test = scored_of([*CURVE, EDT], quality[:, [0, 1, 2, 3, 2]], diversity[:, [0, 1, 2, 3, 2]])
    (found,) = effects(test)
    assert found.effect is not None
    assert (found.effect.mean, found.effect.low, found.effect.high) == (0, 0, 0)
    assert found.p == 1
    assert found.call == "no difference detected"


@pytest.mark.parametrize("planted", [0.05, -0.05, 0.0])
def test_the_effect_is_what_was_planted_above_the_line_between_two_nodes(planted: float):
    found = one(0.3 + planted, 0.2)  # between T 0.6 (.4, .5) and T 1 (.1, .2) the curve at .2 is .3
    assert found.effect is not None
    assert found.effect.mean == pytest.approx(planted, abs=1e-12)
    assert found.effect.low is not None
    assert found.effect.high is not None
    assert found.effect.low <= planted <= found.effect.high
    assert found.call == {0.05: "better", -0.05: "worse", 0.0: "no difference detected"}[planted]
    assert found.outside == 0


def test_the_curve_bends_with_its_nodes():
    bent = [0.9, 0.6, 0.58, 0.2]
    quality, diversity = around([*bent, 0.55]), around([*DIVERSITY, 0.25], seed=1)
    (found,) = effects(scored_of([*CURVE, EDT], quality, diversity))
    assert found.effect is not None
    assert found.effect.mean == pytest.approx(0.55 - PchipInterpolator([0.1, 0.4, 0.5], [0.2, 0.58, 0.6])(0.25), abs=1e-9)
    assert found.effect.mean < 0.55 - 0.39 - 0.05, "above the straight line between its neighbours"


@pytest.mark.parametrize(("quality", "diversity"), [(0.99, 0.05), (0.99, 0.55), (0.0, 0.55)])
def test_beyond_the_curve_nothing_is_said(quality: float, diversity: float):
    found = one(quality, diversity)
    assert (found.effect, found.p, found.adjusted, found.detectable) == (None, None, None, None)
    assert (found.outside, found.call) == (1.0, "not comparable")


def test_a_method_that_resamples_carry_off_the_curve_is_not_comparable():
    noisy = one(0.7, 0.4999, sd=0.05)
    assert 0.05 < noisy.outside < 1
    assert noisy.call == "not comparable"
    assert one(0.7, 0.45, sd=0.05).call == "better"


def test_greedy_is_no_part_of_the_curve():
    assert one(0.75, 0.75).call == "not comparable", "between greedy and the coolest temperature there is no curve"
    quality, diversity = around([*QUALITY, 0.35]), around([*DIVERSITY, 0.2], seed=1)
    before = effects(scored_of([*CURVE, EDT], quality, diversity))
    quality[:, 0], diversity[:, 0] = 0.1, 0.3
    assert effects(scored_of([*CURVE, EDT], quality, diversity)) == before


def family(sequential: bool = False, udt: float = 0.25) -> tuple[Scored, list[Effect]]:
    """Two methods in two qualities, with effects from nothing to much."""
    settings, means = [*CURVE, EDT, UDT], [*DIVERSITY, 0.2, udt]
    quality, other = around([*QUALITY, 0.306, 0.353], sd=0.02), around([*QUALITY, 0.311, 0.349], sd=0.02, seed=2)
    test = scored_of(settings, quality, around(means, seed=1), bleu=other, sequential=sequential)
    return test, effects(test)


def test_holm_is_over_methods_and_qualities():
    _, found = family()
    assert [(e.method, e.metric) for e in found] == [("EDT", "rouge_l"), ("UDT", "rouge_l"), ("EDT", "bleu"), ("UDT", "bleu")]
    assert [e.adjusted for e in found] == pytest.approx(holm([e.p for e in found]).tolist())  # type: ignore[arg-type]
    assert any(e.adjusted > e.p for e in found)  # type: ignore[operator]


def test_what_is_not_comparable_counts_in_no_family():
    _, found = family(udt=0.7)
    compared = [e for e in found if e.method == "EDT"]
    assert [e.call for e in found if e.method == "UDT"] == ["not comparable"] * 2
    assert [e.adjusted for e in compared] == pytest.approx(holm([e.p for e in compared]).tolist())  # type: ignore[arg-type]


def test_the_call_goes_by_the_adjusted_p():
    _, found = family()
    assert {e.call for e in found} >= {"no difference detected"}
    for e in found:
        assert e.adjusted is not None
        assert e.effect is not None
        assert e.call == ("no difference detected" if e.adjusted > 0.05 else "better" if e.effect.mean > 0 else "worse")
    borderline = [e for e in found if e.p <= 0.05 < e.adjusted]  # type: ignore[operator]
    assert borderline, "one of them must be significant but for its family"
    assert all(e.call == "no difference detected" for e in borderline)


@pytest.mark.parametrize(("udt", "comparisons"), [(0.25, 4), (0.7, 2)])
def test_what_could_have_been_seen_is_at_the_level_of_the_family(udt: float, comparisons: int):
    test, found = family(udt=udt)
    values, nodes = test.scores.values, test.curve
    parts = influence(
        values["self_bleu"][:, [4]], values["rouge_l"][:, [4]], curve_diversity=values["self_bleu"][:, nodes],
        curve_quality=values["rouge_l"][:, nodes],
    )  # fmt: skip
    assert found[0].detectable == pytest.approx(detectable(float(parts.std(ddof=1)), 40, alpha=0.05 / comparisons))


def test_a_run_that_was_looked_at_before_has_wider_intervals():
    once, often = one(0.33, 0.2, sd=0.05, prompts=120), one(0.33, 0.2, sd=0.05, prompts=120, sequential=True)
    assert once.effect is not None
    assert often.effect is not None
    assert often.effect.mean == once.effect.mean
    width, wider = (e.high - e.low for e in (once.effect, often.effect))  # type: ignore[operator]
    assert 1.4 < wider / width < 2
    assert often.p > once.p  # type: ignore[operator]
    assert often.detectable > 1.2 * once.detectable  # type: ignore[operator]


def test_prompts_are_paired():
    shared = np.random.default_rng(3).normal(0, 0.2, (40, 1))  # some prompts are easier, for every setting alike
    columns = around([*QUALITY, 0.32]) + shared - shared.mean(), around([*DIVERSITY, 0.2], seed=1)
    (found,) = effects(scored_of([*CURVE, EDT], *columns))
    assert found.call == "better"
