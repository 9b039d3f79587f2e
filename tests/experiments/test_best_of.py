"""Best of k on dev: chosen on one half of the prompts, judged on the other."""

import numpy as np
import pytest
from fake_scores import around, fixed, setting

from edt_sampling.experiments.best_of import best_of

CURVE = [fixed(0, "greedy"), fixed(0.3), fixed(0.6), fixed(1)]
CURVE_QUALITY, CURVE_DIVERSITY = [0.9, 0.6, 0.5, 0.2], [1.0, 0.5, 0.4, 0.1]
EDT = [setting("EDT", f"edt:t0={t0},theta=1", "candidate") for t0 in (0.6, 0.8, 1)]
UDT = [setting("UDT", "udt:t0=1,theta=1", "candidate")]


def found(quality: list[float], diversity: list[float], *, sd: float = 0.0, prompts: int = 20) -> dict[tuple[str, int], float]:
    columns = (around(CURVE_QUALITY + quality, sd=sd, prompts=prompts), around(CURVE_DIVERSITY + diversity, sd=0.0, prompts=prompts))
    return {(row.method, row.k): row.effect for row in best_of([*CURVE, *EDT, *UDT], *columns)}


def test_without_noise_it_is_the_expected_maximum_of_k():
    # effects of EDT are .05, -.05 and 0 (the curve at .2 is .3), that of UDT .01
    rows = found([0.35, 0.25, 0.3, 0.31], [0.2] * 4)
    assert rows == {
        ("EDT", 1): pytest.approx(0),
        ("EDT", 2): pytest.approx((0.05 + 0.05 + 0) / 3),
        ("EDT", 3): pytest.approx(0.05),
        ("UDT", 1): pytest.approx(0.01),
    }


def test_luck_on_the_half_that_chooses_is_no_effect():
    rows = found([0.3] * 4, [0.2] * 4, sd=0.1, prompts=40)
    assert rows[("EDT", 1)] == pytest.approx(0, abs=0.005)
    assert rows[("EDT", 3)] < 0.005, "the best of three, of standard error .02 each, looks .02 better on the prompts that chose it"


def test_a_setting_off_the_curve_counts_in_no_subset():
    rows = found([0.35, 0.99, 0.3, 0.31], [0.2, 0.8, 0.2, 0.02])
    assert rows[("EDT", 1)] == pytest.approx(0.025)
    assert rows[("EDT", 3)] == pytest.approx(0.05)
    assert ("UDT", 1) not in rows, "a method without a comparable setting has no line"


def test_greedy_neither_competes_nor_bends_the_curve():
    settings = [*CURVE, fixed(0, "greedy"), *EDT]
    quality, diversity = [*CURVE_QUALITY, 0.9, 0.35, 0.25, 0.3], [*CURVE_DIVERSITY, 1, 0.2, 0.2, 0.2]
    rows = best_of(settings, around(quality, sd=0), around(diversity, sd=0))
    assert [(row.method, row.k) for row in rows] == [("EDT", 1), ("EDT", 2), ("EDT", 3)]


def test_equal_scores_give_equal_lines():
    quality, diversity = around([*CURVE_QUALITY, 0.35, 0.25, 0.3, 0.31], sd=0.05), around([*CURVE_DIVERSITY] + [0.2] * 4, sd=0.01)
    assert best_of([*CURVE, *EDT, *UDT], quality, diversity) == best_of([*CURVE, *EDT, *UDT], quality, diversity)


def test_an_odd_number_of_prompts_and_two_of_them_are_enough():
    for prompts in (2, 3):
        columns = np.tile([*CURVE_QUALITY, 0.35, 0.25, 0.3, 0.31], (prompts, 1)), np.tile([*CURVE_DIVERSITY] + [0.2] * 4, (prompts, 1))
        assert best_of([*CURVE, *EDT, *UDT], *columns)[2].effect == pytest.approx(0.05)
