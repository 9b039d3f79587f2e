"""What dev chooses, by hand."""

from pathlib import Path

import numpy as np
import pytest
from fake_run import FakeEngine, compare, fake_comparison
from fake_scores import FakeReader, fixed, forced_steps, scored_of, setting

from edt_sampling.experiments.choice import Choice, aim, choose
from edt_sampling.experiments.measures import measures
from edt_sampling.experiments.scored import scored_dev
from edt_sampling.store import Reader

GREEDY, CURVE = fixed(0, "greedy"), [fixed(0.3), fixed(0.6), fixed(1)]
EDT = [setting("EDT", f"edt:t0={t0},theta=1", "candidate") for t0 in (0.6, 0.8, 1)]
UDT = [setting("UDT", f"udt:t0={t0},theta=1", "candidate") for t0 in (0.6, 0.8)]
SETTINGS = [GREEDY, *CURVE, *EDT, *UDT]
CURVE_QUALITY, CURVE_DIVERSITY = [0.9, 0.6, 0.5, 0.2], [1.0, 0.5, 0.4, 0.1]
FORCED = [GREEDY, *CURVE, fixed(1.5), *EDT, *UDT]


def forced_dev(tempered: float = 1.5, temperature: float = 0.9) -> FakeReader:
    """Fixed temperatures with tempered entropy 2 T; the EDT settings with these means over two references of 1 and 3 tokens."""
    means = [(0, 0), *((2 * t, t) for t in (0.3, 0.6, 1, 1.5)), *[(tempered, temperature)] * 3, *[(1, 0.5)] * 2]
    steps = []
    for tokens, more in ((1, 0.3), (3, -0.1)):  # deviations whose mean over the four tokens is 0
        columns = np.array([[[h + more * (h > 0), t] for _ in range(tokens)] for h, t in means])
        steps.append(forced_steps(entropy=columns[..., 0], tempered=columns[..., 0], temperature=columns[..., 1], nll=columns[..., 0]))
    return FakeReader(FORCED, steps)


def chosen(quality: list[float], diversity: list[float], reader: FakeReader | None = None) -> Choice:
    """What is chosen where the candidates' means are these."""
    columns = np.array([CURVE_QUALITY + quality] * 2), np.array([CURVE_DIVERSITY + diversity] * 2)
    return choose(reader or forced_dev(), scored_of(SETTINGS, *columns))  # type: ignore[arg-type]


def test_each_method_has_the_setting_farthest_above_the_curve():
    # the curve is .55 at .45 and .3 at .2: EDT's effects are .01, .03, .02, UDT's -.1, -.05
    choice = chosen([0.56, 0.33, 0.57, 0.45, 0.25], [0.45, 0.2, 0.45, 0.45, 0.2])
    assert choice.chosen == (EDT[1], UDT[1])


def test_the_tuned_setting_has_the_methods_best_eda_wherever_it_lies():
    # R = w = .9, terms of EDT: (38, 41), (63, 18) and (11, 81) off the curve; of UDT (50, 41) and (72, 18)
    choice = chosen([0.56, 0.33, 0.8, 0.45, 0.25], [0.45, 0.2, 0.9, 0.45, 0.2])
    assert choice.tuned == (EDT[0], UDT[0])
    assert choice.chosen == (EDT[1], UDT[1])


def test_the_first_of_equals_is_chosen():
    assert chosen([0.3] * 5, [0.2] * 5).chosen == (EDT[0], UDT[0])


def test_a_setting_off_the_curve_is_not_chosen_however_good_it_is():
    choice = chosen([0.99, 0.1, 0.99, 0.45, 0.25], [0.9, 0.2, 0.05, 0.45, 0.2])
    assert choice.chosen[0] == EDT[1]


@pytest.mark.parametrize(("diversity", "nearest"), [([0.9, 0.6, 0.7], 1), ([0.9, 0.6, 0.02], 2), ([0.05, 0.9, 0.02], 0)])
def test_where_none_lies_on_the_curve_the_one_nearest_to_it_is_chosen(diversity: list[float], nearest: int):
    assert chosen([0.1, 0.9, 0.5, 0.3, 0.3], [*diversity, 0.2, 0.2]).chosen[0] == EDT[nearest]


def test_the_baseline_is_the_fixed_temperature_with_the_best_eda_and_never_greedy():
    # R = w = .9: terms (33, 45), (44, 36) and (78, 9) of T .3, .6 and 1, EDA 56, 57 and 78; greedy (0, 90)
    assert chosen([0.3] * 5, [0.2] * 5).baseline == "fixed:temperature=0.3"
    columns = np.array([[0.9, 0.55, 0.89, 0.2] + [0.3] * 5] * 2), np.array([[1, 0.5, 0.4, 0.1] + [0.2] * 5] * 2)
    assert choose(forced_dev(), scored_of(SETTINGS, *columns)).baseline == "fixed:temperature=0.6"  # type: ignore[arg-type]


def test_the_aim_is_greedy_or_the_best_where_there_is_none():
    assert aim([GREEDY, *CURVE], np.array([0.4, 0.5, 0.3, 0.2])).target == 0.4
    assert aim(CURVE, np.array([0.5, 0.3, 0.2])).target == 0.5
    assert aim(CURVE, np.zeros(3)).target == 1, "a quality of 0 can be no aim"


def test_the_matches_have_the_subjects_mean_tempered_entropy_and_its_mean_temperature():
    choice = chosen([0.3] * 5, [0.2] * 5, forced_dev(tempered=1.5, temperature=0.9))
    assert choice.matched == {"matched entropy": 0.75, "matched temperature": 0.9}
    assert list(choice.matched) == ["matched entropy", "matched temperature"]


@pytest.mark.parametrize("tempered", [0.5, 3.1])
def test_no_fixed_temperature_matches_an_entropy_that_none_has(tempered: float):
    choice = chosen([0.3] * 5, [0.2] * 5, forced_dev(tempered=tempered))
    assert choice.matched == {"matched temperature": 0.9}


def test_a_fixed_temperature_needs_no_match():
    settings = [GREEDY, *CURVE, setting("Cool", "fixed:temperature=0.5", "candidate", filters="temperature,top_k=5")]
    columns = np.array([[*CURVE_QUALITY, 0.4]] * 2), np.array([[*CURVE_DIVERSITY, 0.3]] * 2)
    assert choose(FakeReader([]), scored_of(settings, *columns)).matched == {}  # type: ignore[arg-type]


@pytest.mark.parametrize("t0", [0.5, 0.77, 1])
def test_the_match_finds_the_fakes_heat(tmp_path: Path, t0: float):
    """Tempered entropy is entropy x heat there, so that T must be the subject's heat."""
    methods = [
        {"name": "Fixed", "policies": ["fixed:temperature=0", "fixed:temperature=0.2", "fixed:temperature=1"]},
        {"name": "EDT", "policies": [f"edt:t0={t0},theta=1"]},
    ]
    comparison = fake_comparison(2, dev=3, methods=methods)
    compare(comparison, tmp_path, FakeEngine())
    with Reader(comparison.folder(tmp_path)) as reader:
        dev = scored_dev(reader, measures(comparison.recipe.metrics, samples=2))
        assert choose(reader, dev).matched["matched entropy"] == pytest.approx(0.8 * t0, abs=1e-3)
