"""A run as JSON lines: equal runs give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from edt_sampling.store.reader import Reader


def export(reader: Reader) -> Iterator[str]:
    """One line an entry, without its line feed; ``kind`` says what it is:

    ``run`` (its recipe, and the looks at it), ``example``, ``setting``, ``text`` (with H, T and p of each token; by unit, setting, seed and
    sample), ``forced`` (a reference under one setting, token by token), ``reading`` (a text as a model reads it; setting -1 is the
    reference), and ``rating`` (what a person says of a step). Keys stand in a fixed order and reals have six significant digits; nothing in
    it tells when, where or how fast it was made.
    """
    yield _line("run", {"hash": reader.content(), "recipe": reader.recipe(), "looks": [asdict(look) for look in reader.looks()]})
    stages = reader.stages()
    for split in dict.fromkeys(stages.values()):
        for unit, example in enumerate(reader.examples(split)):
            yield _line("example", {"split": split, "unit": unit, **asdict(example)})
    for stage, split in stages.items():
        for number, setting in enumerate(reader.settings(stage)):
            yield _line("setting", {"stage": stage, "split": split, "setting": number, **asdict(setting)})
    for stage in stages:
        yield from _texts(reader, stage)
        yield from _forced(reader, stage)
        yield from _readings(reader, stage)
    yield from _ratings(reader)


def _texts(reader: Reader, stage: str) -> Iterator[str]:
    for g, trace in zip(reader.generations(stage), reader.traces(stage), strict=True):
        steps = {"H": _rounded(trace.entropy), "T": _rounded(trace.temperature), "p": _rounded(trace.probability)}
        key = {"unit": g.unit, "setting": g.setting, "seed": g.seed, "sample": g.sample}
        yield _line("text", {"stage": stage, **key, "text": g.text, "finish": g.finish, "tokens": g.tokens, **steps})


def _forced(reader: Reader, stage: str) -> Iterator[str]:
    for unit, steps in zip(reader.done(stage), reader.forced(stage), strict=False):
        for setting in range(len(steps.nll)):
            columns = {name: _rounded(values[setting]) for name, values in steps._asdict().items()}
            yield _line("forced", {"stage": stage, "unit": unit, "setting": setting, **columns})


def _readings(reader: Reader, stage: str) -> Iterator[str]:
    for unit, text, model, reading in reader.readings(stage):
        whole = {name: getattr(reading, name).tolist() for name in ("tokens", "rank")}
        reals = {name: _rounded(getattr(reading, name)) for name in ("entropy", "max_probability", "margin", "varentropy", "probability")}
        beside = {"best": reading.best.tolist(), "watched": [_rounded(row) for row in reading.watched]}
        yield _line("reading", {"stage": stage, "unit": unit, **text._asdict(), "model": model, **whole, **reals, **beside})


def _ratings(reader: Reader) -> Iterator[str]:
    steps = reader.steps()
    for rating in reader.ratings():
        stage, unit, text, step = steps[rating.item]
        yield _line("rating", {**rating._asdict(), "stage": stage, "unit": unit, **text._asdict(), "step": step})


def _line(kind: str, fields: dict[str, Any]) -> str:
    return json.dumps({"kind": kind, **fields}, ensure_ascii=False)


def _rounded(values: np.ndarray) -> list[float | None]:
    """Six significant digits; null for NaN, which an engine that shows texts alone records."""
    return [None if value != value else float(f"{value:.6g}") for value in values.tolist()]
