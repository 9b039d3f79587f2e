"""Every text of a diagnosis as it was read: its steps with all measures, and whether the model's best token was the one that came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.diagnosis.stages import CHECKPOINT, DROPOUT, READ, members
from edt_sampling.experiments.diagnosis.uncertainty import ENSEMBLE, SINGLE, disagreement, single
from edt_sampling.protocol import Reading
from edt_sampling.store import REFERENCE, Reader, TextKey

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReadText:
    """``values`` ``[tokens, measures]``; ``confidence``, the largest p of each step; ``right``: the model's best token is the text's."""

    unit: int
    key: TextKey
    tokens: npt.NDArray[np.integer]
    values: FloatArray
    confidence: FloatArray
    right: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class ReadTexts:
    """All texts by unit, the unit's reference before its samples; ``measures`` name the columns of their values."""

    measures: tuple[str, ...]
    all: tuple[ReadText, ...]

    @property
    def references(self) -> list[ReadText]:
        """One a unit."""
        return [text for text in self.all if text.key == REFERENCE]

    def of(self, setting: int) -> list[ReadText]:
        """The samples of a setting."""
        return [text for text in self.all if text.key.setting == setting]


def read_texts(reader: Reader) -> ReadTexts:
    """From a complete run: the measures of single distributions, those of the checkpoints where there are any (the model itself is a member
    with them), and those of each number of passes with dropout."""
    checkpoints, dropouts = members(reader, CHECKPOINT), members(reader, DROPOUT)
    passes = [int(stage.removeprefix(DROPOUT)) for stage in dropouts]
    sources = [*(["checkpoint"] if checkpoints else []), *(f"{number}-pass dropout" for number in passes)]
    names = [*SINGLE, *(f"{source} {measure}" for source in sources for measure in ENSEMBLE)]
    streams = [_watched(reader, stage, 1) for stage in checkpoints], [_watched(reader, s, n) for s, n in zip(dropouts, passes, strict=True)]
    texts = [
        _text(unit, key, own, [one for stream in streams[0] for one in next(stream)], [next(stream) for stream in streams[1]])
        for unit, key, _, own in reader.readings(READ)
    ]
    return ReadTexts(measures=tuple(names), all=tuple(texts))


def _watched(reader: Reader, stage: str, passes: int) -> Iterator[list[npt.NDArray[np.floating]]]:
    """The probabilities that each pass gives the watched tokens, text by text in the order of ``READ``."""
    readings = (reading.watched for *_, reading in reader.readings(stage))
    while block := list(islice(readings, passes)):
        yield block


def _text(
    unit: int,
    key: TextKey,
    own: Reading,
    checkpoints: list[npt.NDArray[np.floating]],
    dropouts: list[list[npt.NDArray[np.floating]]],
) -> ReadText:
    groups = [[own.watched, *checkpoints]] if checkpoints else []
    columns = [single(own), *(disagreement(group) for group in [*groups, *dropouts])]
    return ReadText(
        unit=unit,
        key=key,
        tokens=own.tokens,
        values=np.concatenate(columns, axis=-1),
        confidence=np.asarray(own.max_probability, dtype=np.float64),
        right=own.rank == 0,
    )
