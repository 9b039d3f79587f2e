"""The verdict, word for word."""

from dataclasses import replace
from typing import Any

import pytest

from edt_sampling.experiments.findings import Call, Effect, Estimate, ForcedPoint, Paired
from edt_sampling.experiments.verdict import ablation, forced, interval, p_value, second_view, sentence, sentences

EFFECT = Effect(
    method="EDT",
    policy="edt:t0=0.8,theta=1",
    metric="rouge_l",
    effect=Estimate(0.0075, 0.0002, 0.0148),
    p=0.046,
    adjusted=0.184,
    detectable=0.0106,
    outside=0.0,
    call="no difference detected",
)
PAIR = Paired(
    method="EDT",
    policy="edt:t0=1,theta=1",
    other_method="Fixed",
    other="fixed:temperature=0.6",
    metric="rouge_l",
    difference=Estimate(-0.0123, -0.0204, -0.0042),
    p=0.004,
    adjusted=0.0004,
)
DIVERSITY = replace(PAIR, metric="self_bleu", difference=Estimate(0.05, 0.04, 0.06), p=None, adjusted=None)
POINT = ForcedPoint(
    method="EDT", policy=EFFECT.policy, temperature=0.5, entropy=1.0, nll=Estimate(2.0, 1.9, 2.1), exact=3.0,
    distance=Estimate(0.0312, 0.0201, 0.0423),
)  # fmt: skip


def seen(mean: float, adjusted: float, call: Call) -> str:
    return sentence(replace(EFFECT, effect=Estimate(mean, mean - 0.005, mean + 0.005), adjusted=adjusted, call=call))


def test_no_difference_detected_says_what_could_have_been_seen():
    assert sentence(EFFECT) == (
        "No difference detected: EDT (edt:t0=0.8,theta=1) is 0.0075 ROUGE-L above fixed temperatures of equal diversity "
        "(95% interval +0.0002 to +0.0148, p .184 after Holm); this run could have seen 0.0106."
    )


def test_better_and_worse_are_said_plainly():
    assert seen(0.01, 0.03, "better") == (
        "EDT helps here: EDT (edt:t0=0.8,theta=1) is 0.0100 ROUGE-L above fixed temperatures of equal diversity "
        "(95% interval +0.0050 to +0.0150, p .030 after Holm)."
    )
    assert seen(-0.01, 0.0001, "worse") == (
        "EDT hurts here: EDT (edt:t0=0.8,theta=1) is 0.0100 ROUGE-L below fixed temperatures of equal diversity "
        "(95% interval \N{MINUS SIGN}0.0150 to \N{MINUS SIGN}0.0050, p < .001 after Holm)."
    )


def test_what_cannot_be_compared_is_said_to_be_so():
    lost = replace(EFFECT, effect=None, p=None, adjusted=None, detectable=None, call="not comparable")
    assert sentence(lost).startswith("Not comparable: EDT (edt:t0=0.8,theta=1) ")
    for never in ("helps", "hurts", "above", "below", "p "):
        assert never not in sentence(lost).replace("off the", "")


def test_other_metrics_go_by_their_usual_names():
    assert "0.0075 BLEU above" in sentence(replace(EFFECT, metric="bleu"))


@pytest.mark.parametrize(
    ("p", "told"), [(0.0, "< .001"), (0.00099, "< .001"), (0.001, ".001"), (0.0496, ".050"), (0.5, ".500"), (1.0, "1.000")]
)
def test_p_has_three_digits(p: float, told: str):
    assert p_value(p) == told


def test_numbers_below_zero_have_a_minus_sign():
    assert interval(Estimate(0, -0.12345, 0.1), 3) == "95% interval \N{MINUS SIGN}0.123 to +0.100"


def test_the_second_view_is_of_settings_tuned_by_eda():
    assert second_view(PAIR, DIVERSITY) == (
        "Both tuned by EDA on dev, edt:t0=1,theta=1 less fixed:temperature=0.6: \N{MINUS SIGN}0.0123 ROUGE-L "
        "(95% interval \N{MINUS SIGN}0.0204 to \N{MINUS SIGN}0.0042, p < .001 after Holm), "
        "with +0.0500 Self-BLEU (95% interval +0.0400 to +0.0600)."
    )


@pytest.mark.parametrize(
    ("other", "asked"),
    [
        ("EDT, shuffled", "itself with its temperatures dealt out at random within each text"),
        ("Fixed, matched entropy", "the fixed temperature of the same mean tempered entropy"),
        ("Fixed, matched temperature", "the fixed temperature of the same mean (confounded: "),
    ],
)
def test_an_ablation_says_what_it_asks(other: str, asked: str):
    told = ablation(replace(PAIR, other_method=other, metric="rouge_l at equal diversity", adjusted=0.02))
    assert told.startswith(f"EDT less {asked}")
    assert told.endswith(
        ": \N{MINUS SIGN}0.0123 ROUGE-L at equal diversity (95% interval \N{MINUS SIGN}0.0204 to \N{MINUS SIGN}0.0042, p .020 after Holm)."
    )


def test_teacher_forcing_counts_nats():
    assert forced([POINT], EFFECT.policy) == (
        "Without sampling: under edt:t0=0.8,theta=1 a reference's token costs 0.031 nats more than under the fixed temperature of the same "
        "mean tempered entropy (95% interval +0.020 to +0.042)."
    )
    cheaper = replace(POINT, distance=Estimate(-0.0312, -0.0423, -0.0201))
    assert "costs 0.031 nats less than" in str(forced([cheaper], EFFECT.policy))
    assert forced([replace(POINT, distance=None)], EFFECT.policy) is None
    assert forced([POINT], "edt:t0=9,theta=9") is None


def test_below_the_headline_stand_the_others_and_then_the_other_views_of_the_subject():
    udt = replace(EFFECT, method="UDT", policy="udt:t0=1,theta=1")
    shuffled: Any = replace(PAIR, other_method="EDT, shuffled", metric="rouge_l at equal diversity")
    plain = replace(shuffled, metric="rouge_l", p=None, adjusted=None)
    others = [replace(row, method="UDT", policy="udt:t0=2,theta=2") for row in (PAIR, DIVERSITY)]
    told = sentences([EFFECT, udt], [*others, PAIR, DIVERSITY], [shuffled, plain], [POINT])
    assert told == [sentence(udt), second_view(PAIR, DIVERSITY), ablation(shuffled), forced([POINT], EFFECT.policy)]
    assert sentences([EFFECT], [PAIR, DIVERSITY], [], []) == [second_view(PAIR, DIVERSITY)]
    assert all("\n" not in line for line in told)
