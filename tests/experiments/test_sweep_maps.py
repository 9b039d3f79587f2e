"""A map's cells against the curve: planted ridges are found, null maps mark nothing too often, what is off the curve is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_sweep import FEW, drawn_surfaces, policies
from statsmodels.stats.multitest import multipletests

from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.sweep.findings import Cell
from edt_sampling.experiments.sweep.maps import best, bests, cells, judge, least_adjusted, mean_effect
from edt_sampling.experiments.sweep.surfaces import Surfaces

RIDGE = [i for i, (_, theta) in enumerate(FEW) if theta == 1.0]
TRENCH = FEW.index((0.9, 5.0))
SPREAD = 0.0012
"""Standard deviation of the mean distance over 300 maps whose cells all gain 0.01."""


def cells_of(surfaces: Surfaces, *, resamples: int = 2_000) -> list[Cell]:
    eda = surfaces.whole()["eda"]
    return cells(judge(surfaces, resamples=resamples), policies(FEW), [{"eda": Estimate(float(value))} for value in eda])


def planted(gain: float) -> list[float]:
    return [gain if i in RIDGE else -gain if i == TRENCH else 0.0 for i in range(len(FEW))]


def test_a_planted_ridge_is_found_and_next_to_nothing_else_is():
    """Ten maps: three cells above the curve and one below it, marked in each; beside them a false mark in two maps at most."""
    false = 0
    for seed in range(10):
        found = cells_of(drawn_surfaces(seed, gains=planted(0.03)))
        above = {i for i, cell in enumerate(found) if cell.call == "better"}
        below = {i for i, cell in enumerate(found) if cell.call == "worse"}
        assert above >= set(RIDGE)
        assert TRENCH in below
        false += above | below != {*RIDGE, TRENCH}
    assert false <= 2


def test_a_cell_knows_its_place_and_its_distance():
    cell = cells_of(drawn_surfaces(0, gains=planted(0.03)))[RIDGE[1]]
    assert (cell.t0, cell.theta, cell.policy) == (0.9, 1.0, "edt:t0=0.9,theta=1")
    assert cell.effect is not None
    assert cell.effect.mean == pytest.approx(0.03, abs=0.01)
    assert 0 < cell.effect.low < cell.effect.mean < cell.effect.high


def test_null_maps_mark_a_cell_in_one_of_twenty_at_most():
    """200 maps where each cell is as good as the fixed temperature like it. Two standard errors are allowed: 16 maps."""
    maps = 200
    alarms = sum(any(cell.call in ("better", "worse") for cell in cells_of(drawn_surfaces(seed), resamples=1_000)) for seed in range(maps))
    assert 0 < alarms <= maps * (0.05 + 2 * (0.05 * 0.95 / maps) ** 0.5)


def test_the_adjusted_p_is_holms_over_the_map():
    found = cells_of(drawn_surfaces(1, gains=planted(0.015)))
    _, adjusted, *_ = multipletests([cell.p for cell in found], method="holm")
    assert [cell.adjusted for cell in found] == pytest.approx(adjusted.tolist())
    assert len({cell.adjusted for cell in found}) > 2


def test_cells_off_the_curve_are_not_compared_and_not_in_the_family():
    """Three cells whose texts are more diverse than the hottest fixed temperature's: the others are judged as if they were not there."""
    surfaces, off = drawn_surfaces(2, gains=planted(0.02)), [0, 4, 8]
    diversity = surfaces.diversity.copy()
    diversity[:, [surfaces.cells[i] for i in off]] = 0.001
    surfaces = replace(surfaces, diversity=diversity)
    found, left = cells_of(surfaces), [i for i in range(len(FEW)) if i not in off]
    without = judge(replace(surfaces, cells=tuple(surfaces.cells[i] for i in left)), resamples=2_000)
    others = cells(without, policies([FEW[i] for i in left]), [{"eda": Estimate(0.0)}] * len(left))
    for i in off:
        assert (found[i].call, found[i].outside, found[i].best["effect"]) == ("not comparable", 1.0, 0.0)
        assert {found[i].effect, found[i].p, found[i].adjusted, found[i].detectable} == {None}
    for other, i in zip(others, left, strict=True):
        assert (other.effect, other.p, other.adjusted) == (found[i].effect, found[i].p, found[i].adjusted)
        assert other.detectable == pytest.approx(found[i].detectable)


def test_a_cell_with_the_texts_of_a_fixed_temperature_is_told_as_such_and_costs_the_others_nothing():
    """Two cells that score as a fixed temperature does on every prompt: the others are adjusted as if they were not there."""
    surfaces = drawn_surfaces(8, gains=planted(0.015))
    quality, diversity = surfaces.quality.copy(), surfaces.diversity.copy()
    for i in range(2):
        for values in (quality, diversity):
            values[:, surfaces.cells[i]] = values[:, surfaces.curve[i + 3]]
    surfaces = replace(surfaces, quality=quality, diversity=diversity)
    found = cells_of(surfaces)
    for cell in found[:2]:
        assert (cell.call, cell.detectable, cell.p, cell.adjusted) == ("scored alike", None, None, None)
        assert cell.effect is not None
        assert cell.effect.mean == pytest.approx(0, abs=1e-9)
    others = judge(replace(surfaces, cells=surfaces.cells[2:]), resamples=2_000)
    assert [cell.adjusted for cell in found[2:]] == others.adjusted.tolist()


def test_what_the_map_says_it_could_have_seen_is_seen_about_four_times_in_five():
    """One cell lifted by the mean ``detectable`` of such maps. It is a normal approximation: 60 prompts see it a little less often, in
    three of four of 200 maps at 10,000 resamples; two standard errors of 60 maps are allowed."""
    lone, maps = FEW.index((0.9, 1.0)), 60
    sizes = [cells_of(drawn_surfaces(1_000 + seed), resamples=500)[lone].detectable or 0 for seed in range(20)]
    gains = [float(np.mean(sizes)) if i == lone else 0.0 for i in range(len(FEW))]
    hits = sum(cells_of(drawn_surfaces(2_000 + seed, gains=gains), resamples=4_000)[lone].call == "better" for seed in range(maps))
    assert hits / maps == pytest.approx(0.75, abs=2 * (0.75 * 0.25 / maps) ** 0.5)


def test_a_run_that_could_not_have_marked_anything_knows_it():
    """Whatever ten prompts show, p is .0064 or more, which Holm takes to .058 in the first of nine cells; with 60 it does not."""
    sure = drawn_surfaces(9, prompts=10, gains=[0.5] * len(FEW))
    found = judge(sure, resamples=10_000)
    assert found.adjusted.min() == pytest.approx(9 * 0.0064, rel=0.02)
    assert least_adjusted(found, resamples=10_000) == pytest.approx(float(found.adjusted.min()))
    assert least_adjusted(judge(drawn_surfaces(9), resamples=200)) == pytest.approx(9 * 0.00049, rel=0.02)


def test_the_best_cell_and_how_often_it_is_the_best():
    surfaces = drawn_surfaces(3, gains=[0.08 if at == (0.9, 1.0) else 0.0 for at in FEW])
    found = best(cells_of(surfaces))
    assert (found["effect"].cell.policy, found["effect"].share, found["effect"].few) == ("edt:t0=0.9,theta=1", 1.0, 1)
    eda = surfaces.whole()["eda"]
    assert found["eda"].cell.policy == policies(FEW)[int(np.argmin(eda))]


def test_a_map_of_noise_has_no_sure_best_cell():
    flat = cells_of(drawn_surfaces(4))
    found = best(flat)["effect"]
    assert found.share < 0.7
    assert found.few >= 3
    for by in ("effect", "eda"):
        assert sum(cell.best[by] for cell in flat) == pytest.approx(1)  # type: ignore[index]
    ranked = sorted((cell.best["effect"] for cell in flat), reverse=True)
    assert sum(ranked[: found.few]) >= 0.95 > sum(ranked[: found.few - 1])


def test_shares_of_the_best_are_counted_over_resamples():
    """Two cells, the second better for two prompts of three: a resample's best is that of the prompts that it holds most of."""
    one = drawn_surfaces(5, prompts=3)
    quality = one.quality.copy()
    quality[:, one.cells[0]], quality[:, one.cells[1]] = 0.5, [0.49, 0.52, 0.52]
    surfaces = Surfaces(quality, np.full_like(one.diversity, 0.2) + one.diversity.mean(axis=0), one.cells[:2], one.curve, one.eda)
    diversity = surfaces.diversity.copy()
    diversity[:, surfaces.cells] = diversity[0, surfaces.curve[5]]  # on the curve, so that the plain difference decides
    shares = bests(judge(replace(surfaces, diversity=diversity), resamples=4_000), "effect")
    # The second is best unless two or three of three draws are the first prompt: 1 - (3 * 1/9 * 2/3 + 1/27) = 20/27.
    assert shares == pytest.approx([7 / 27, 20 / 27], abs=0.03)


def test_the_mean_over_cells():
    surfaces = drawn_surfaces(6, gains=[0.01] * len(FEW))
    judged = judge(surfaces, resamples=400)
    found = mean_effect(judged, surfaces.prompts)
    assert found is not None
    assert found.mean == pytest.approx(judged.away.mean.mean())
    assert found.mean == pytest.approx(0.01, abs=0.002)
    assert found.half == pytest.approx(1.96 * SPREAD, rel=0.3)
    diversity = surfaces.diversity.copy()
    diversity[:, list(surfaces.cells)] = 0.0001
    assert mean_effect(judge(replace(surfaces, diversity=diversity), resamples=50), surfaces.prompts) is None


def test_halves_of_the_prompts_make_up_the_whole():
    surfaces = drawn_surfaces(7, prompts=10)
    one, other = surfaces.halves()
    assert (one["quality"] + other["quality"]) / 2 == pytest.approx(np.tile(surfaces.whole()["quality"], (len(one["quality"]), 1)))
    assert len(np.unique(one["quality"].round(12), axis=0)) > 100, "the halvings differ"
