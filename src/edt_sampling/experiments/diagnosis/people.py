"""What people said of the steps: how far they agree, and what the measures say of the same steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.diagnosis.findings import Human, Outcome
from edt_sampling.experiments.diagnosis.outcomes import rated_outcome
from edt_sampling.experiments.diagnosis.texts import ReadTexts
from edt_sampling.significance.agreement import alpha
from edt_sampling.store import Reader

FloatArray = npt.NDArray[np.float64]


def human(reader: Reader) -> Human | None:
    """Who rated, and how far they agree; None where nobody did."""
    certain, acceptable, raters, items = _tables(reader)
    if not raters:
        return None
    agreed = [None if np.isnan(found := alpha(table)) else found for table in (certain, acceptable)]
    return Human(raters=tuple(raters), items=len(items), certain=agreed[0], acceptable=agreed[1])


def human_outcomes(reader: Reader, texts: ReadTexts) -> list[Outcome]:
    """The measures against the mean rating of each step."""
    certain, acceptable, _, items = _tables(reader)
    steps, by_key = reader.steps(), {(text.unit, text.key): text for text in texts.all}
    keys = [steps[item] for item in items]
    told = {
        "call obvious": ("How obvious people call what comes next, 1 to 5, on the mean.", certain),
        "find few alternatives for": ("How few of four other tokens people find fitting, on the mean.", -acceptable),
    }
    found: list[Outcome] = []
    for asked, (sentence, table) in told.items():
        rated = np.flatnonzero((~np.isnan(table)).any(axis=0)) if table.size else np.empty(0, dtype=np.int64)
        if len(rated) < 2:
            continue
        values = np.stack([by_key[keys[i].unit, keys[i].text].values[keys[i].step] for i in rated])
        unit = np.array([keys[i].unit for i in rated])
        outcome = rated_outcome(asked, sentence, values, np.nanmean(table[:, rated], axis=0), unit, texts.measures)
        found += [outcome] if outcome else []
    return found


def _tables(reader: Reader) -> tuple[FloatArray, FloatArray, list[str], list[str]]:
    """Either question's answers ``[raters, items]``, nan where there is none; and who and what the rows and columns are."""
    ratings = reader.ratings()
    raters, items = (sorted(set(column)) for column in ([r.rater for r in ratings], [r.item for r in ratings]))
    certain, acceptable = (np.full((len(raters), len(items)), np.nan) for _ in range(2))
    for rating in ratings:
        place = raters.index(rating.rater), items.index(rating.item)
        for table, value in ((certain, rating.certain), (acceptable, rating.acceptable)):
            table[place] = np.nan if value is None else value
    return certain, acceptable, raters, items
