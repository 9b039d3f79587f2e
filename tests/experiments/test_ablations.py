"""Differences prompt by prompt: against the best fixed temperature, and against what a method is made of."""

import numpy as np
import pytest
from fake_scores import around, fixed, scored_of, setting

from edt_sampling.experiments.effects import against_ablations, against_baseline
from edt_sampling.experiments.findings import Paired
from edt_sampling.experiments.scored import Scored
from edt_sampling.significance.bootstrap import mean_interval
from edt_sampling.significance.holm import holm
from edt_sampling.significance.permutation import sign_flip

SETTINGS = [
    fixed(0.3),
    fixed(0.6, "baseline"),
    fixed(1),
    setting("EDT", "edt:t0=1,theta=1", "chosen"),
    setting("UDT", "udt:t0=1,theta=1", "chosen"),
    setting("EDT", "edt:t0=0.5,theta=1", "tuned"),
    setting("UDT", "udt:t0=1,theta=1", "tuned"),
    setting("Fixed, matched entropy", "fixed:temperature=0.7", "matched entropy"),
    setting("Fixed, matched temperature", "fixed:temperature=0.5", "matched temperature"),
    setting("EDT, shuffled", "scheduled", "shuffled"),
]
QUALITY = [0.6, 0.5, 0.2, 0.42, 0.40, 0.55, 0.40, 0.41, 0.45, 0.36]
DIVERSITY = [0.5, 0.4, 0.1, 0.30, 0.30, 0.43, 0.30, 0.30, 0.35, 0.26]  # the curve is diversity + .1


def scored(*, sequential: bool = False, **more: np.ndarray) -> Scored:
    return scored_of(SETTINGS, around(QUALITY, sd=0.02), around(DIVERSITY, sd=0.02, seed=1), sequential=sequential, **more)


def with_p(rows: list[Paired]) -> list[Paired]:
    return [row for row in rows if row.p is not None]


def test_each_tuned_setting_less_the_baseline():
    rows = against_baseline(scored())
    assert [(r.method, r.other, r.metric) for r in rows] == [
        ("EDT", "fixed:temperature=0.6", "rouge_l"),
        ("UDT", "fixed:temperature=0.6", "rouge_l"),
        ("EDT", "fixed:temperature=0.6", "self_bleu"),
        ("UDT", "fixed:temperature=0.6", "self_bleu"),
    ]
    assert [r.difference.mean for r in rows] == pytest.approx([0.05, -0.10, 0.03, -0.10])
    assert rows[0].policy == "edt:t0=0.5,theta=1"


def test_a_difference_has_the_interval_of_its_prompts_and_the_p_of_their_signs():
    test = scored()
    differences = test.scores.values["rouge_l"][:, 5] - test.scores.values["rouge_l"][:, 1]
    row = against_baseline(test)[0]
    ends = mean_interval(differences, seed=0)
    assert (row.difference.low, row.difference.high) == (float(ends.low), float(ends.high))
    assert row.p == sign_flip(differences, seed=0)


@pytest.mark.parametrize("rows", [against_baseline, against_ablations])
def test_holm_is_over_the_rows_that_are_tested_and_self_bleu_is_none_of_them(rows):  # type: ignore[no-untyped-def]
    found = rows(scored(bleu=around([q / 2 for q in QUALITY], sd=0.03, seed=5)))
    assert [r.adjusted for r in with_p(found)] == pytest.approx(holm([r.p for r in with_p(found)]).tolist())
    assert len(with_p(found)) == (4 if rows is against_baseline else 3)
    assert not {"self_bleu"} & {r.metric for r in with_p(found)}
    assert all((r.p is None) == (r.adjusted is None) for r in found)
    assert all(r.difference.low < r.difference.high for r in found)


def test_the_ablations_are_held_against_the_subject_at_equal_diversity():
    rows = {(r.other_method, r.metric): r for r in against_ablations(scored())}
    equal = {name: row.difference.mean for (name, metric), row in rows.items() if metric == "rouge_l at equal diversity"}
    # distances to the curve: EDT .42 - .40, matched entropy .41 - .40, matched temperature .45 - .45, shuffled .36 - .36
    assert equal == pytest.approx({"Fixed, matched entropy": 0.01, "Fixed, matched temperature": 0.02, "EDT, shuffled": 0.02})
    assert rows["EDT, shuffled", "rouge_l"].difference.mean == pytest.approx(0.06)
    assert rows["EDT, shuffled", "self_bleu"].difference.mean == pytest.approx(0.04)
    assert {r.method for r in rows.values()} == {"EDT"}, "the subject alone has ablations"
    assert all((r.p is not None) == (r.metric == "rouge_l at equal diversity") for r in rows.values())


def test_an_ablation_off_the_curve_has_its_plain_differences_alone():
    test = scored()
    test.scores.values["self_bleu"][:, 9] += 0.4
    shuffled = [r for r in against_ablations(test) if r.other_method == "EDT, shuffled"]
    assert [r.metric for r in shuffled] == ["rouge_l", "self_bleu"]
    assert with_p(shuffled) == []
    test.scores.values["self_bleu"][:, 3] += 0.4
    assert with_p(against_ablations(test)) == [], "nothing is at equal diversity with a subject off the curve"


def test_an_ablation_that_decodes_as_the_subject_does_not_differ():
    test = scored()
    for values in test.scores.values.values():
        values[:, 7] = values[:, 3]
    row = next(r for r in against_ablations(test) if r.other_method == "Fixed, matched entropy")
    assert (row.difference.mean, row.difference.low, row.difference.high, row.p) == (0, 0, 0, 1)


def test_rows_of_a_run_that_was_looked_at_before_are_wider():
    for once, often in zip(against_baseline(scored()), against_baseline(scored(sequential=True)), strict=True):
        assert often.difference.mean == once.difference.mean
        assert often.difference.high - often.difference.low > 1.4 * (once.difference.high - once.difference.low)  # type: ignore[operator]
