"""Between tasks: regrets by hand, rank correlations against scipy, and maps of noise that do not agree with themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_sweep import PLACES, drawn_surfaces, policies
from scipy import stats

from edt_sampling.experiments.findings import Estimate
from edt_sampling.experiments.sweep.findings import TaskMap
from edt_sampling.experiments.sweep.maps import best, cells, judge
from edt_sampling.experiments.sweep.surfaces import Surfaces
from edt_sampling.experiments.sweep.transfer import Made, agreements, regrets, spearman
from edt_sampling.significance.bootstrap import mean_interval

POLICIES = policies(PLACES)


def made(name: str, surfaces: Surfaces, *, resamples: int = 400) -> Made:
    judged = judge(surfaces, resamples=resamples)
    eda = surfaces.whole()["eda"]
    own = POLICIES[: len(surfaces.cells)]
    found = tuple(cells(judged, own, [{"eda": Estimate(float(value))} for value in eda]))
    map = TaskMap(
        name=name, model="", task=name, content="", prompts=surfaces.prompts, samples=5, seeds=(0,), filters="", primary="rouge_l",
        qualities=("rouge_l",), cells=found, fixed=(), mean=None, least=None, best=best(found), signatures={}, environments=(), recipe={},
    )  # fmt: skip
    return Made(map, surfaces, judged)


def flat(means: list[float], *, seed: int = 0, prompts: int = 40) -> Surfaces:
    """A level curve of quality 0.2, and cells on it by these gains exactly; each prompt strays a little."""
    noise = np.random.default_rng(seed).normal(size=(prompts, len(means))) * 0.01
    quality = np.concatenate([np.full((prompts, 3), 0.2), 0.2 + np.array(means) + noise - noise.mean(axis=0)], axis=1)
    diversity = np.tile([0.1, 0.3, 0.6, *np.linspace(0.2, 0.5, len(means))], (prompts, 1))
    return Surfaces(quality, diversity, tuple(range(3, 3 + len(means))), (0, 1, 2), drawn_surfaces(0).eda)


def test_regret_by_hand():
    """On the first task the third cell is best, on the second the first: the third loses 0.03 - 0.01 there, and the first 0.02 here."""
    here, there = flat([0.01, 0.0, 0.03, 0.02]), flat([0.03, 0.02, 0.01, 0.0], seed=1)
    found = {(r.by, r.of, r.on): r for r in regrets([made("here", here, resamples=10_000), made("there", there, resamples=10_000)])}
    assert len(found) == 4
    one, other = found["effect", "here", "there"], found["effect", "there", "here"]
    assert (one.taken, one.own) == (POLICIES[2], POLICIES[0])
    assert (other.taken, other.own) == (POLICIES[0], POLICIES[2])
    for regret, surfaces, better, worse in ((one, there, 0, 2), (other, here, 2, 0)):
        assert regret.lost is not None
        assert regret.lost.mean == pytest.approx(0.02)
        # The curve is level and the diversities are fixed, so that the loss is a plain mean of differences.
        ends = mean_interval(surfaces.quality[:, surfaces.cells[better]] - surfaces.quality[:, surfaces.cells[worse]], seed=0)
        assert (regret.lost.low, regret.lost.high) == pytest.approx((float(ends.low), float(ends.high)))


def test_regret_by_eda_is_the_difference_of_the_two_edas():
    here, there = flat([0.01, 0.0, 0.03, 0.02]), flat([0.03, 0.02, 0.01, 0.0], seed=1)
    (regret,) = (r for r in regrets([made("here", here), made("there", there)]) if (r.by, r.of, r.on) == ("eda", "here", "there"))
    eda = there.whole()["eda"]
    assert regret.lost is not None
    assert regret.lost.mean == pytest.approx(eda[POLICIES.index(regret.taken)] - eda.min())
    assert regret.lost.mean >= 0


def test_a_best_cell_that_is_not_comparable_elsewhere_has_no_regret():
    here, there = flat([0.01, 0.0, 0.03]), flat([0.03, 0.02, 0.01])
    diversity = there.diversity.copy()
    diversity[:, there.cells[2]] = 0.9
    found = {(r.by, r.of): r.lost for r in regrets([made("here", here), made("there", replace(there, diversity=diversity))])}
    assert found["effect", "here"] is None
    assert found["effect", "there"] is not None
    assert found["eda", "here"] is not None


def test_a_map_without_comparable_cells_takes_no_part_in_regrets_by_distance():
    here, there = flat([0.01, 0.0, 0.03]), flat([0.03, 0.02, 0.01])
    off = replace(there, diversity=np.where(np.arange(6) < 3, there.diversity, 0.9))
    found = [made("here", here), made("there", off)]
    assert {r.by for r in regrets(found)} == {"eda"}
    between = [a for a in agreements(found) if a.by == "effect"]
    assert [(a.cells, a.correlation is None) for a in between] == [(3, False), (0, True), (0, True)]


def test_spearman_is_scipys_row_by_row_and_nan_where_there_is_no_order():
    one, other = np.random.default_rng(0).integers(0, 9, (2, 20, 12)).astype(float)
    assert spearman(one, other) == pytest.approx([stats.spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)])
    assert spearman(one[0], other[0]) == pytest.approx(stats.spearmanr(one[0], other[0]).statistic)
    assert np.isnan(spearman(np.ones((2, 5)), one[:2, :5])).all()
    assert np.isnan(spearman(one[:, :2], other[:, :2])).all()


def test_maps_with_the_same_ridge_agree_and_maps_of_noise_do_not():
    ridge = [0.06 * np.exp(-abs(theta - 1)) for _, theta in PLACES]
    alike = [made(name, drawn_surfaces(seed, places=PLACES, gains=ridge), resamples=200) for seed, name in ((1, "a"), (2, "b"))]
    noise = [made(name, drawn_surfaces(seed, places=PLACES), resamples=200) for seed, name in ((3, "a"), (4, "b"))]
    (agree,) = (a for a in agreements(alike) if (a.by, a.one, a.other) == ("effect", "a", "b"))
    (differ,) = (a for a in agreements(noise) if (a.by, a.one, a.other) == ("effect", "a", "b"))
    assert agree.correlation is not None
    assert differ.correlation is not None
    assert agree.correlation.mean > 0.7
    assert agree.correlation.low > 0.3  # type: ignore[operator]
    assert differ.correlation.low < 0 < differ.correlation.high  # type: ignore[operator]
    alone = {}
    for kind, pair in (("ridge", alike), ("noise", noise)):
        alone[kind] = [a.correlation.mean for a in agreements(pair) if a.one == a.other and a.by == "effect" and a.correlation]
    assert min(alone["ridge"]) > 0.5
    assert max(abs(mean) for mean in alone["noise"]) < 0.35


def test_quality_and_diversity_agree_wherever_temperature_rules():
    pair = [made(name, drawn_surfaces(seed, places=PLACES), resamples=100) for seed, name in ((5, "a"), (6, "b"))]
    found = {a.by: a for a in agreements(pair) if a.one != a.other}
    for by in ("quality", "diversity"):
        assert found[by].correlation.mean > 0.9  # type: ignore[index, union-attr]
        assert found[by].cells == len(PLACES)  # type: ignore[index]
