"""Texts to look at, picked by rule: the prompts of the largest gain, the largest loss and the median."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.experiments.findings import Contrast, Text, Token
from edt_sampling.experiments.observed import observed
from edt_sampling.experiments.score import of_texts
from edt_sampling.experiments.stage import TEST
from edt_sampling.protocol import Engine, Trace
from edt_sampling.store import Generation, Reader, StoredExample, StoredSetting, Writer

FloatArray = npt.NDArray[np.float64]
Key = tuple[int, int, int, int]  # unit, setting, seed, sample


class Picked(NamedTuple):
    """A test prompt, why it is shown, and what the subject gained there."""

    unit: int
    why: str
    difference: float


def opponents(settings: Sequence[StoredSetting]) -> tuple[int, int]:
    """The two settings whose texts are shown: the fixed temperature that matches the subject on mean tempered entropy, or the baseline
    where there is none, and the subject's chosen setting."""
    roles = [s.role for s in settings]
    return roles.index("matched entropy" if "matched entropy" in roles else "baseline"), roles.index("chosen")


def pick(settings: Sequence[StoredSetting], quality: FloatArray) -> list[Picked]:
    """The prompts of the largest gain, the largest loss and the (lower) median of the subject's paired difference; ties go to the first."""
    fixed, subject = opponents(settings)
    differences = quality[:, subject] - quality[:, fixed]
    median = np.sort(differences)[(len(differences) - 1) // 2]
    wanted = (("largest gain", differences.max()), ("largest loss", differences.min()), ("median", median))
    return [Picked(unit, why, float(found)) for why, found in wanted for unit in [int(np.argmax(differences == found))]]


def keep_pieces(picked: Sequence[Picked], *, reader: Reader, writer: Writer, engine: Engine) -> None:
    """Stores what each token adds to the texts of these prompts: the page is drawn without the engine."""
    found: dict[Key, list[str]] = {}
    for setting in opponents(reader.settings(TEST)):
        for p in picked:
            for g, trace in zip(
                *(read(TEST, setting=setting, start=p.unit, stop=p.unit + 1) for read in (reader.generations, reader.traces)), strict=True
            ):
                found[_key(g)] = engine.pieces(trace.tokens.tolist())
    writer.keep_pieces(TEST, found)


def contrasts(picked: Iterable[Picked], *, reader: Reader, metric: Any) -> list[Contrast]:
    """The picked prompts with their texts, token by token, scored by ``metric``; without those whose tokens have not been split off.

    Where the engine showed texts alone, each text is one piece of which nothing is known.
    """
    examples, pieces = reader.examples(reader.stages()[TEST]), reader.pieces(TEST) if observed(reader.environments()) else None
    kept = list(picked)
    split = {p.unit for p in kept} if pieces is None else {unit for unit, *_ in pieces}
    texts = {p.unit: list(_texts(p.unit, reader, pieces, examples[p.unit], metric)) for p in kept if p.unit in split}
    return [
        Contrast(
            why=p.why,
            example=examples[p.unit].id,
            difference=p.difference,
            prompt=examples[p.unit].prompt,
            references=examples[p.unit].references,
            texts=tuple(texts[p.unit]),
        )
        for p in kept
        if p.unit in texts
    ]


def _texts(unit: int, reader: Reader, pieces: Mapping[Key, Sequence[str]] | None, example: StoredExample, metric: Any) -> Iterator[Text]:
    """The opponents' texts of a unit, the fixed temperature's first."""
    settings = reader.settings(TEST)
    for setting in opponents(settings):
        for g, trace in zip(
            *(read(TEST, setting=setting, start=unit, stop=unit + 1) for read in (reader.generations, reader.traces)), strict=True
        ):
            (score,) = of_texts(metric, [g.text], example)
            yield Text(
                method=settings[setting].method,
                policy=settings[setting].policy,
                seed=g.seed,
                sample=g.sample,
                score=float(score),
                finish=g.finish,
                tokens=_whole(g.text) if pieces is None else _tokens(pieces[_key(g)], trace),
            )


def _tokens(pieces: Sequence[str], trace: Trace) -> tuple[Token, ...]:
    columns = zip(pieces, trace.entropy, trace.temperature, trace.probability, strict=True)
    return tuple(Token(piece, float(h), float(t), float(p)) for piece, h, t, p in columns)


def _whole(text: str) -> tuple[Token, ...]:
    """A text whose tokens are not known."""
    return (Token(text, nan, nan, nan),) if text else ()


def _key(g: Generation) -> Key:
    return g.unit, g.setting, g.seed, g.sample
