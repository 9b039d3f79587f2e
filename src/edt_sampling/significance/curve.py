"""Distance to a curve: the quality gained or lost at equal diversity.

Settings of one family, such as the fixed temperatures, are the nodes of a curve in the plane of diversity and quality. A setting beside it
has the effect

::

    effect = quality - curve(diversity)

in the units of quality: how much better it is than what the family reaches at the same diversity, which way up diversity runs
does not matter.

The curve is the monotone cubic through the nodes (PCHIP). Straight lines would be below a curve that bends, and lend whatever lies
between two nodes a gain that grows with the square of their distance: with nodes at T = 0.2 and 0.6 a fixed temperature of 0.4 itself can
lie well above them. The monotone cubic bends with the nodes, and never leaves the range of the two that it runs between.

Nodes whose diversities agree to rounding (1e-12 of the largest) have their mean quality, and the curve is level there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_ROUNDING = 1e-12  # of the largest diversity; means of the same values in another order differ by some 1e-15
_STEP = 1e-5  # of the curve's width, to either side of a node, in the derivative of the curve by it
_NOTHING = 1e-8  # of the largest quality; what the derivatives leave of a node's own influence, which must not look like a t of 2


def distance(
    diversity: npt.ArrayLike, quality: npt.ArrayLike, *, curve_diversity: npt.ArrayLike, curve_quality: npt.ArrayLike
) -> FloatArray:
    """The effect of each point, ``[..., points]``; above 0 where the point lies over the curve.

    Axes in front, such as resamples, are worked through side by side: each has a curve of its own, whose nodes may stand in
    another order than its neighbour's. Beyond its ends the curve goes on straight: a resample may carry a point
    there whose mean lies within. A point that is there itself (``outside``) is not comparable; do not report its distance.
    A node's own effect is 0 to rounding.

    Args:
        diversity, quality: ``[..., points]``.
        curve_diversity, curve_quality: ``[..., nodes]``, at least two nodes in any order, with the same axes in front.

    Raises:
        ValueError: shapes that do not fit, fewer than two nodes, a value that is not finite.

    Source: Fritsch and Butland 1984, as in ``scipy.interpolate.PchipInterpolator``.
    """
    x, y = _pair("diversity", diversity, "quality", quality)
    return y - _height(x, *_curve(curve_diversity, curve_quality, x))


def outside(diversity: npt.ArrayLike, *, curve_diversity: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether a point lies below the least or above the largest node by more than rounding, ``[..., points]``.

    Shapes and errors are those of ``distance``.
    """
    x = _finite("diversity", diversity)
    nodes, _ = _curve(curve_diversity, curve_diversity, x)
    rounding = _rounding(nodes)
    return (x < nodes.min(axis=-1, keepdims=True) - rounding) | (x > nodes.max(axis=-1, keepdims=True) + rounding)


def influence(
    diversity: npt.ArrayLike, quality: npt.ArrayLike, *, curve_diversity: npt.ArrayLike, curve_quality: npt.ArrayLike
) -> FloatArray:
    """Each prompt's part in the effect of the means, ``[prompts, points]``.

    Its mean over prompts is the effect, ``distance`` of the means; its standard deviation / sqrt(prompts) is the effect's standard
    error by the delta method. With prompt i's point (s_i, q_i) and nodes (a_ik, b_ik), and the curve's height C at the means::

        psi_i = effect + (q_i - mean q) - dC/ds (s_i - mean s) - sum_k dC/da_k (a_ik - mean a_k) - sum_k dC/db_k (b_ik - mean b_k)

    The derivatives are central differences. A node's own psi is 0 for every prompt.

    Args:
        diversity, quality: one value a prompt, ``[prompts, points]``.
        curve_diversity, curve_quality: ``[prompts, nodes]``, of the same prompts.

    Raises:
        ValueError: as for ``distance``; values that are not two-dimensional, fewer than two prompts.

    Source: the infinitesimal jackknife, Efron 1982.
    """
    x, y = _pair("diversity", diversity, "quality", quality)
    if x.ndim != 2 or x.shape[0] < 2:
        raise ValueError(f"diversity must be [prompts, points] with two prompts or more, got shape {x.shape}")
    nodes, heights = _curve(curve_diversity, curve_quality, x)
    by_point, by_node, by_height = _derivatives(x.mean(axis=0), nodes.mean(axis=0), heights.mean(axis=0))
    curve = _height(x.mean(axis=0), nodes.mean(axis=0), heights.mean(axis=0))
    parts = (x - x.mean(axis=0)) * by_point + (nodes - nodes.mean(axis=0)) @ by_node + (heights - heights.mean(axis=0)) @ by_height
    found = y - curve - parts
    return np.where(np.abs(found).max(axis=0) > _NOTHING * np.abs(heights).max(), found, 0.0)


def _height(x: FloatArray, nodes: FloatArray, heights: FloatArray) -> FloatArray:
    """The curve at x, ``[..., points]``."""
    nodes, heights = _in_order(nodes, heights)
    slopes = _slopes(nodes, heights)
    left = np.clip((nodes[..., None, :] <= x[..., None]).sum(axis=-1) - 1, 0, nodes.shape[-1] - 2)
    a, b = (np.take_along_axis(nodes, i, axis=-1) for i in (left, left + 1))
    at_a, at_b = (np.take_along_axis(heights, i, axis=-1) for i in (left, left + 1))
    down, up = (np.take_along_axis(slopes, i, axis=-1) for i in (left, left + 1))
    width = np.where(b > a, b - a, 1.0)
    t = np.clip((x - a) / width, 0.0, 1.0)
    s = 1 - t
    within = s * s * (1 + 2 * t) * at_a + t * t * (1 + 2 * s) * at_b + width * s * t * (s * down - t * up)
    beyond = np.minimum(x - a, 0.0) * down + np.maximum(x - b, 0.0) * up
    return within + beyond


def _in_order(nodes: FloatArray, heights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes by rising diversity; those that agree get their mean quality."""
    order = np.argsort(nodes, axis=-1, kind="stable")
    nodes, heights = (np.take_along_axis(values, order, axis=-1) for values in (nodes, heights))
    same = np.abs(nodes[..., None, :] - nodes[..., :, None]) <= _rounding(nodes)[..., None]
    return nodes, (same * heights[..., None, :]).sum(axis=-1) / same.sum(axis=-1)


def _slopes(nodes: FloatArray, heights: FloatArray) -> FloatArray:
    """The curve's slope at each node, ``[..., nodes]``: between two segments the weighted harmonic mean of theirs, 0 where they point
    in different directions; at the ends that of the parabola through three nodes, as far as the curve stays monotone."""
    widths = np.diff(nodes, axis=-1)
    flat = widths <= _rounding(nodes)
    secants = np.where(flat, 0.0, np.diff(heights, axis=-1) / np.where(flat, 1.0, widths))
    if nodes.shape[-1] == 2:
        return np.concatenate([secants, secants], axis=-1)
    before, after = secants[..., :-1], secants[..., 1:]
    one, two = 2 * widths[..., 1:] + widths[..., :-1], widths[..., 1:] + 2 * widths[..., :-1]
    turns = before * after <= 0
    with np.errstate(over="ignore"):  # a slope of next to nothing makes the harmonic mean 0, which it is
        mean = (one + two) / np.where(turns, 1.0, one / np.where(turns, 1.0, before) + two / np.where(turns, 1.0, after))
    first = _end_slope(widths[..., :2], secants[..., :2])
    last = _end_slope(widths[..., :-3:-1], secants[..., :-3:-1])
    return np.concatenate([first, np.where(turns, 0.0, mean), last], axis=-1)


def _end_slope(widths: FloatArray, secants: FloatArray) -> FloatArray:
    """At an end, of its two nearest segments; ``[..., 1]``."""
    (near, far), (slope, next_slope) = (np.moveaxis(values, -1, 0) for values in (widths, secants))
    total = np.where(near + far > 0, near + far, 1.0)
    parabola = ((2 * near + far) * slope - near * next_slope) / total
    bounded = np.where((np.sign(slope) != np.sign(next_slope)) & (np.abs(parabola) > 3 * np.abs(slope)), 3 * slope, parabola)
    return np.where(np.sign(parabola) != np.sign(slope), 0.0, bounded)[..., None]


def _derivatives(x: FloatArray, nodes: FloatArray, heights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the curve's height at x ``[points]``, by x ``[points]``, and by each node's diversity and quality ``[nodes, points]``."""
    spread = np.ptp(nodes)
    step = _STEP * (spread if spread > 0 else 1.0)
    moves = step * np.eye(len(nodes))
    each = (len(nodes), 1)
    still = np.tile(x, each), np.tile(nodes, each), np.tile(heights, each)
    by_point = (_height(x + step, nodes, heights) - _height(x - step, nodes, heights)) / (2 * step)
    by_node = (_height(still[0], nodes + moves, still[2]) - _height(still[0], nodes - moves, still[2])) / (2 * step)
    by_height = (_height(still[0], still[1], heights + moves) - _height(still[0], still[1], heights - moves)) / (2 * step)
    return by_point, by_node, by_height


def _rounding(nodes: FloatArray) -> FloatArray:
    """The difference of diversities that counts as rounding, ``[..., 1]``."""
    return _ROUNDING * np.abs(nodes).max(axis=-1, keepdims=True)


def _curve(diversity: npt.ArrayLike, quality: npt.ArrayLike, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    nodes, heights = _pair("curve_diversity", diversity, "curve_quality", quality)
    if nodes.shape[-1] < 2:
        raise ValueError(f"curve_diversity must hold at least two nodes on its last axis, got shape {nodes.shape}")
    if nodes.shape[:-1] != points.shape[:-1]:
        raise ValueError(
            f"curve_diversity must have the axes {points.shape[:-1]} of diversity in front of its nodes, got {nodes.shape[:-1]}"
        )
    return nodes, heights


def _pair(first: str, x: npt.ArrayLike, second: str, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = _finite(first, x), _finite(second, y)
    if a.shape != b.shape:
        raise ValueError(f"{second} must have the shape {a.shape} of {first}, got {b.shape}")
    return a, b


def _finite(name: str, values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0:
        raise ValueError(f"{name} must be an array, got the number {array}")
    bad = array[~np.isfinite(array)]
    if bad.size:
        raise ValueError(f"{name} must be finite, got {bad.size} values that are not, first {bad[0]}; leave such settings out")
    return array
