"""Reading stored texts: one prompt after the other, each committed whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from time import perf_counter

from edt_sampling.experiments.comparison import request_id
from edt_sampling.experiments.diagnosis.stages import READ, SAMPLES
from edt_sampling.experiments.stage import Stage
from edt_sampling.protocol import Engine, Reading
from edt_sampling.store import REFERENCE, Reader, TextKey, Writer

Warn = Callable[[str], object]
Texts = dict[TextKey, list[Reading]]


def read(stage: Stage, *, engine: Engine, writer: Writer, reader: Reader, passes: int = 0, warn: Warn = warnings.warn) -> Iterator[int]:
    """Reads the units that are not done yet: each one's first reference, and its samples as they were drawn; yields each unit's number
    once it is on disk.

    Stage ``READ`` is the model's own. Any other is another member's of an ensemble, with the probabilities of the tokens that the model
    found best: another engine's, or the model's with dropout, in so many ``passes``.

    Raises:
        ValueError: the engine's tokenizer is not the model's, or it has no dropout.
    """
    stage.begin(writer)
    done = writer.done(stage.name)
    environment, changes = writer.environment(engine.describe() | {"cache_bytes": stage.recipe.cache_bytes or "default"})
    if changes and len(done) < len(stage.examples):
        warn(f"this run goes on under another environment, which may change a number here and there: {', '.join(changes)}")
    for unit in range(len(stage.examples)):
        if unit in done:
            continue
        began = perf_counter()
        texts = _own(stage, unit, engine, reader) if stage.name == READ else _again(stage, unit, engine, reader, passes)
        seconds = perf_counter() - began
        writer.commit_readings(stage.name, unit, texts, environment=environment, seconds=seconds, memory=engine.memory())
        yield unit


def _own(stage: Stage, unit: int, engine: Engine, reader: Reader) -> Texts:
    """The reference and the samples, read once."""
    example = stage.examples[unit]
    found: Texts = {REFERENCE: [engine.read(example.prompt, example.references[0])]}
    pairs = zip(*(list(of(SAMPLES, start=unit, stop=unit + 1)) for of in (reader.generations, reader.traces)), strict=True)
    for generation, trace in pairs:
        key = TextKey(generation.setting, generation.seed, generation.sample)
        found[key] = [engine.read(example.prompt, trace.tokens.tolist())]
    return found


def _again(stage: Stage, unit: int, engine: Engine, reader: Reader, passes: int) -> Texts:
    """What was read already, by another member."""
    example = stage.examples[unit]
    seeds = [(request_id(example.id) + number) % 2**63 for number in range(passes)]
    found: Texts = {}
    for _, key, _, own in list(reader.readings(READ, unit=unit)):  # no cursor may stand open where an interrupt closes the run
        tokens = own.tokens.tolist()
        if key == REFERENCE and not passes and engine.read(example.prompt, example.references[0]).tokens.tolist() != tokens:
            raise ValueError(f"example {example.id}: stage {stage.name} has another tokenizer than the model: checkpoints must share it")
        found[key] = [engine.read(example.prompt, tokens, watch=own.best, dropout=seed) for seed in seeds or [None]]
    return found
