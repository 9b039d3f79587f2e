"""Spearman's rank correlation, over all items with prompts resampled, and within each prompt."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edt_sampling.significance.bootstrap import FloatArray, resample_means
from edt_sampling.significance.separation import Resampled

_AT_ONCE = 2_000_000  # weights in memory at a time, 16 MB


def spearman(columns: npt.ArrayLike, outcome: npt.ArrayLike, prompt: npt.ArrayLike, *, resamples: int = 10_000, seed: int = 0) -> Resampled:
    """Spearman's correlation of each column ``[items, columns]`` with ``outcome`` ``[items]``, in the sample and in resamples of prompts.

    A resample holds each prompt's items as often as the prompt was drawn, and ranks them anew; ties share their mean rank. nan where a
    column or the outcome is the same for all. ``prompt`` ``[items]`` numbers the prompts from 0; the draw is ``resample_means``'.

    Raises:
        ValueError: fewer than two prompts, or numbers that are not finite.

    Source: Spearman 1904; the cluster bootstrap, Cameron, Gelbach and Miller 2008.
    """
    values, y, owner = (np.asarray(given, dtype=np.float64) for given in (columns, outcome, prompt))
    if values.ndim != 2 or not len(values) == len(y) == len(owner):
        raise ValueError(f"columns must be [items, columns] with one outcome and one prompt an item, got shape {values.shape}")
    if not (np.isfinite(values).all() and np.isfinite(y).all()):
        raise ValueError("columns and outcome must be finite; leave items without a number out")
    sample = _correlations(values, y, np.ones((1, len(y))))[0]
    blocks = [_correlations(values, y, weights) for weights in _weights(owner.astype(np.int64), resamples, seed)]
    return Resampled(sample, np.concatenate(blocks))


def within(columns: npt.ArrayLike, outcome: npt.ArrayLike) -> FloatArray:
    """Spearman's correlation of each column ``[prompts, items, columns]`` with ``outcome`` ``[prompts, items]`` among a prompt's items,
    ``[prompts, columns]``; nan where either is the same for all items of the prompt."""
    from scipy import stats  # here: it takes half a second, and edt compare can do without

    x = stats.rankdata(np.asarray(columns, dtype=np.float64), axis=1)
    y = stats.rankdata(np.asarray(outcome, dtype=np.float64), axis=1)[..., None]
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))


def _weights(owner: npt.NDArray[np.int64], resamples: int, seed: int) -> Iterator[FloatArray]:
    """How often each resample holds each item, in blocks of rows."""
    counts = resample_means(np.eye(int(owner.max()) + 1), resamples=resamples, seed=seed)
    rows = max(1, _AT_ONCE // len(owner))
    for start in range(0, resamples, rows):
        yield counts[start : start + rows, owner]


def _correlations(columns: FloatArray, outcome: FloatArray, weights: FloatArray) -> FloatArray:
    """Correlations of weighted midranks, ``[rows of weights, columns]``."""
    y = _centred_ranks(outcome, weights)
    weighted = weights * y
    square_y = np.einsum("bi,bi->b", y, weighted)
    found: list[FloatArray] = []
    for column in columns.T:
        x = _centred_ranks(column, weights)
        squares = np.einsum("bi,bi,bi->b", x, x, weights) * square_y
        found.append(np.einsum("bi,bi->b", x, weighted) / np.sqrt(np.where(squares > 0, squares, np.nan)))
    return np.stack(found, axis=-1)


def _centred_ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Each item's midrank under each row of weights, less the mean rank."""
    different, group = np.unique(values, return_inverse=True)
    order = np.argsort(values, kind="stable")
    starts = np.searchsorted(values[order], different)
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)
    upper = sizes.cumsum(axis=1)
    return (upper - sizes / 2 - upper[:, -1:] / 2)[:, group]
