"""How well a number tells right from wrong: AUROC, and the rank correlation that goes with it, over resampled prompts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.significance.bootstrap import FloatArray, resample_means

_AT_ONCE = 4_000_000  # counts in memory at a time, 32 MB


class Resampled(NamedTuple):
    """A statistic of each column, ``[columns]``, and of each column in each resample of the prompts, ``[resamples, columns]``; nan where
    it is undefined."""

    value: FloatArray
    samples: FloatArray


class Separation(NamedTuple):
    """``auroc``: how often a right item has the higher number than a wrong one, ties counted half: 1/2 by chance, 1 at best.
    ``spearman``: the correlation of the number's ranks with right (1) and wrong (0). Both are nan where all are right, or all wrong."""

    auroc: Resampled
    spearman: Resampled


def separation(
    columns: npt.ArrayLike, right: npt.ArrayLike, prompt: npt.ArrayLike, *, resamples: int = 10_000, seed: int = 0
) -> Separation:
    """How well each column ``[items, columns]`` tells the items that are ``right`` ``[items]`` from those that are not.

    Items of one prompt are no independent evidence: the interval comes from prompts drawn with replacement, each with all its items, by
    ``resample_means`` and its draw. ``prompt`` ``[items]`` numbers them from 0. With W[u, v] the pairs of a wrong item of prompt u and a
    right one of prompt v in which the right one is higher (ties half), and c the counts of a resample::

        AUROC    = c W c / ((c . wrong) (c . right))
        Spearman = sqrt(12 right wrong N / (N^3 - sum t^3)) * (AUROC - 1/2)        N items, t of them in each group of ties

    so that a resample costs a product of matrices, whatever the number of items.

    Raises:
        ValueError: fewer than two prompts, or a column that is not finite.

    Source: Hanley and McNeil 1982; the second line is the definition of Spearman's correlation, for numbers of which one is 0 or 1.
    """
    values, truth, owner = _checked(columns, right, prompt)
    prompts = int(owner.max()) + 1
    counts = np.concatenate([np.ones((1, prompts)), resample_means(np.eye(prompts), resamples=resamples, seed=seed)])
    of_right, of_wrong = (np.bincount(owner[which], minlength=prompts).astype(np.float64) for which in (truth, ~truth))
    found = [_column(column, truth, owner, counts, of_right, of_wrong) for column in values.T]
    auroc, spearman = (np.stack(part, axis=-1) for part in zip(*found, strict=True))
    return Separation(Resampled(auroc[0], auroc[1:]), Resampled(spearman[0], spearman[1:]))


def _column(
    values: FloatArray, truth: npt.NDArray[np.bool_], owner: npt.NDArray[np.int64], counts: FloatArray, right: FloatArray, wrong: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """AUROC and Spearman of one column under each row of counts."""
    group = np.unique(values, return_inverse=True)[1]
    wins = ((counts @ _wins(group, truth, owner, len(right))) * counts).sum(axis=-1)
    rights, wrongs = counts @ right, counts @ wrong
    with np.errstate(invalid="ignore", divide="ignore"):
        auroc = wins / (rights * wrongs)
        items = rights + wrongs
        spread = items**3 - _cubes(group, owner, counts)
        spearman = np.sqrt(12 * rights * wrongs * items / np.where(spread > 0, spread, np.nan)) * (auroc - 0.5)
    return auroc, spearman


def _wins(group: npt.NDArray[np.int64], truth: npt.NDArray[np.bool_], owner: npt.NDArray[np.int64], prompts: int) -> FloatArray:
    """W ``[prompts, prompts]``, a block of its columns at a time."""
    groups, found = int(group.max()) + 1, np.zeros((prompts, prompts))
    step = max(1, _AT_ONCE // groups)
    for start in range(0, prompts, step):
        inside = truth & (owner >= start) & (owner < start + step)
        width = min(step, prompts - start)
        tally = np.bincount(group[inside] * width + owner[inside] - start, minlength=groups * width).reshape(groups, width)
        above = tally[::-1].cumsum(axis=0)[::-1] - tally / 2
        np.add.at(found[:, start : start + width], owner[~truth], above[group[~truth]])
    return found


def _cubes(group: npt.NDArray[np.int64], owner: npt.NDArray[np.int64], counts: FloatArray) -> FloatArray:
    """Sum over groups of ties of their weight cubed, under each row of counts; an item that is tied with no other is a group too."""
    prompts, sizes = counts.shape[1], np.bincount(group)
    alone = sizes[group] == 1
    found = (counts**3) @ np.bincount(owner[alone], minlength=prompts)
    tied = np.flatnonzero(sizes > 1)
    step = max(1, _AT_ONCE // len(counts))
    for start in range(0, len(tied), step):
        block = tied[start : start + step]
        inside = np.isin(group, block)
        place = np.searchsorted(block, group[inside])
        tally = np.bincount(owner[inside] * len(block) + place, minlength=prompts * len(block)).reshape(prompts, len(block))
        found = found + ((counts @ tally) ** 3).sum(axis=-1)
    return found


def _checked(
    columns: npt.ArrayLike, right: npt.ArrayLike, prompt: npt.ArrayLike
) -> tuple[FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    values, truth, owner = np.asarray(columns, dtype=np.float64), np.asarray(right, dtype=np.bool_), np.asarray(prompt, dtype=np.int64)
    if values.ndim != 2 or not len(values) == len(truth) == len(owner):
        raise ValueError(f"columns must be [items, columns] with one right and one prompt an item, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("columns must be finite; leave items without a number out of every column")
    return values, truth, owner
