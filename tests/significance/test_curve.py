"""Distance to a curve against values worked by hand, scipy's monotone cubic and the bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.interpolate import PchipInterpolator

from edt_sampling.significance.bootstrap import resample_means
from edt_sampling.significance.curve import distance, influence, outside

CURVE = {"curve_diversity": np.array([3.0, 0.0, 1.0]), "curve_quality": np.array([4.0, 0.0, 1.0])}
"""Slopes of 1, then 3/2; nodes in no order. At the ends the parabola's slopes, 5/6 and 11/6; at 1 the harmonic mean,
9 / (5 / 1 + 4 / 1.5) = 27/23."""

diversities = arrays(float, st.integers(2, 8), elements=st.integers(0, 6).map(float))  # nodes of equal diversity are common
bends = arrays(float, 8, elements=st.floats(-5, 5))


@pytest.mark.parametrize(("at", "height"), [(0, 0), (1, 1), (3, 4), (-1, -5 / 6), (5, 4 + 2 * 11 / 6), (2, 2.5 + (27 / 23 - 11 / 6) / 4)])
def test_hand_worked(at: float, height: float) -> None:
    assert distance([at], [height + 0.125], **CURVE) == pytest.approx([0.125])


def test_outside_is_beyond_the_ends() -> None:
    at = [-0.1, 0, 1, 2.9, 3, 3.1]
    assert outside(at, curve_diversity=CURVE["curve_diversity"]).tolist() == [True, False, False, False, False, True]
    assert outside([0.3 - 1e-16, 0.3 - 1e-9], curve_diversity=[0.3, 0.4]).tolist() == [False, True]


def test_resamples_have_curves_of_their_own() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.random((2, 3, 50, 4))
    nodes, heights = generator.random((2, 3, 50, 6))
    order = np.argsort(nodes, axis=-1)
    assert len({tuple(row) for row in order.reshape(-1, 6)}) > 50  # nodes swap from one to the next
    found, beyond = distance(x, y, curve_diversity=nodes, curve_quality=heights), outside(x, curve_diversity=nodes)
    assert found.shape == beyond.shape == (3, 50, 4)
    for i in np.ndindex(3, 50):
        expected = y[i] - PchipInterpolator(nodes[i][order[i]], heights[i][order[i]])(x[i])
        assert found[i][~beyond[i]] == pytest.approx(expected[~beyond[i]])


@given(diversities, bends)
def test_a_nodes_own_effect_is_exactly_0(nodes: np.ndarray, bend: np.ndarray) -> None:
    nodes = np.unique(nodes / 7)[::-1]
    if len(nodes) > 1:
        heights = bend[: len(nodes)]
        assert (distance(nodes, heights, curve_diversity=nodes, curve_quality=heights) == 0).all()


@given(diversities, bends, st.floats(0, 1))
def test_the_curve_stays_between_the_nodes_around_it(nodes: np.ndarray, bend: np.ndarray, share: float) -> None:
    """Nodes of one diversity with their mean quality."""
    at = nodes.min() + share * np.ptp(nodes)
    means = {node: bend[: len(nodes)][nodes == node].mean() for node in nodes}
    around = [means[max(node for node in nodes if node <= at)], means[min((n for n in nodes if n >= at), default=nodes.max())]]
    height = -distance([at], [0.0], curve_diversity=nodes, curve_quality=bend[: len(nodes)])[0]
    assert min(around) - 1e-9 <= height <= max(around) + 1e-9


def test_a_bend_lends_no_gain() -> None:
    """What lies on a smooth curve lies on its nodes' one: a line from node to node would run below it by 0.01."""
    nodes = np.array([0.1, 0.3, 0.5, 0.7])
    found = distance([0.4], [np.sqrt(0.4)], curve_diversity=nodes, curve_quality=np.sqrt(nodes))[0]
    assert abs(found) < 0.001
    assert np.sqrt(0.4) - np.interp(0.4, nodes, np.sqrt(nodes)) > 0.004


def test_rounding_does_not_part_nodes() -> None:
    """The same texts under two names: means that differ in the last digit must not throw the curve."""
    found = distance([0.2, 0.4], [0.0, 0.0], curve_diversity=[0.3, np.nextafter(0.3, 1), 0.4], curve_quality=[1.0, 1.0 + 1e-15, 2.0])
    assert found == pytest.approx([-1.0, -2.0])


@given(diversities, bends, st.floats(-10, 10))
def test_which_way_up_diversity_runs_does_not_matter(nodes: np.ndarray, bend: np.ndarray, at: float) -> None:
    heights = bend[: len(nodes)]
    up = distance([at], [0.0], curve_diversity=nodes, curve_quality=heights)
    assert distance([-at], [0.0], curve_diversity=-nodes, curve_quality=heights) == pytest.approx(up, abs=1e-9)


@pytest.fixture
def per_prompt() -> dict[str, np.ndarray]:
    """400 prompts with differences of their own, which all settings share in part; a steep curve, so that diversity's noise counts."""
    generator = np.random.default_rng(4)
    level, mood = generator.normal(0, 0.1, (2, 400, 1))
    at, nodes = np.array([0.3, 0.47, 0.8]), np.linspace(0.2, 0.9, 5)
    noise = iter(generator.normal(0, 0.06, (4, 400, 5)))
    return {
        "diversity": at + mood + next(noise)[:, :3],
        "quality": at**2 + 0.02 + level + next(noise)[:, :3],
        "curve_diversity": nodes + mood + next(noise),
        "curve_quality": nodes**2 + level + next(noise),
    }


def test_the_mean_influence_is_the_effect_of_the_means(per_prompt: dict[str, np.ndarray]) -> None:
    means = {name: values.mean(axis=0) for name, values in per_prompt.items()}
    assert influence(**per_prompt).mean(axis=0) == pytest.approx(distance(**means), abs=1e-12)
    per_prompt["diversity"] = per_prompt["diversity"] + [-0.5, 0, 0.5]  # two of the three beyond the ends
    means["diversity"] = per_prompt["diversity"].mean(axis=0)
    assert influence(**per_prompt).mean(axis=0) == pytest.approx(distance(**means), abs=1e-12)


def test_the_influence_has_the_bootstraps_standard_error(per_prompt: dict[str, np.ndarray]) -> None:
    resamples = {name: resample_means(values, resamples=10_000, seed=0) for name, values in per_prompt.items()}
    bootstrap = distance(**resamples).std(axis=0)
    delta = influence(**per_prompt).std(axis=0, ddof=1) / np.sqrt(400)
    assert delta == pytest.approx(bootstrap, rel=0.03)
    at_fixed_diversity = influence(**{name: v if "quality" in name else 0 * v + v.mean(axis=0) for name, v in per_prompt.items()})
    assert (at_fixed_diversity.std(axis=0, ddof=1) / np.sqrt(400) < 0.97 * bootstrap).all()


def test_influence_hand_worked() -> None:
    # Mean diversities 1 and 3 of the nodes, 1.5 of the point: w = 3/4; mean qualities 0 and 4: slope 2; effect 2 - 1.
    found = influence([[1.0], [2.0]], [[1.0], [3.0]], curve_diversity=[[0.0, 3.0], [2.0, 3.0]], curve_quality=[[0.0, 2.0], [0.0, 6.0]])
    # Prompt 1: 1 - 2/4 - 2 (1 - 3/4) = 0; prompt 2: 3 - 6/4 - 2 (2 - 9/4) = 2.
    assert found == pytest.approx(np.array([[0.0], [2.0]]), abs=1e-8)


def test_a_nodes_own_influence_is_exactly_0(per_prompt: dict[str, np.ndarray]) -> None:
    """Also where memory's layout sums a mean in another order: rounding over rounding must not look like a t of 2."""
    nodes, heights = per_prompt["curve_diversity"], per_prompt["curve_quality"]
    one_by_one = [np.ascontiguousarray(nodes[:, [node]]) for node in range(5)]
    assert any(column.mean() != mean for column, mean in zip(one_by_one, nodes.mean(axis=0), strict=True))
    for node, column in enumerate(one_by_one):
        assert (influence(column, heights[:, [node]], curve_diversity=nodes, curve_quality=heights) == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"diversity": 1.0}, "diversity must be an array, got the number 1.0"),
        ({"quality": [1.0]}, r"quality must have the shape \(2,\) of diversity, got \(1,\)"),
        ({"quality": [1.0, np.nan]}, "quality must be finite, got 1 values that are not, first nan; leave such settings out"),
        ({"curve_quality": [1.0]}, r"curve_quality must have the shape \(3,\) of curve_diversity, got \(1,\)"),
        ({"curve_diversity": [1.0], "curve_quality": [1.0]}, r"at least two nodes on its last axis, got shape \(1,\)"),
        ({"curve_diversity": [[1.0, 2.0]], "curve_quality": [[1.0, 2.0]]}, r"the axes \(\) of diversity in front of its nodes, got \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        distance(**({"diversity": [1.0, 2.0], "quality": [1.0, 2.0]} | CURVE | change))  # type: ignore[arg-type]


def test_influence_takes_prompts() -> None:
    with pytest.raises(ValueError, match=r"\[prompts, points\] with two prompts or more, got shape \(2,\)"):
        influence([1.0, 2.0], [1.0, 2.0], **CURVE)
