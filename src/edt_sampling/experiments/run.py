"""Running a stage: one prompt after the other, each committed whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import product
from time import perf_counter
from typing import Any, NamedTuple

from edt_sampling.experiments.ahead import Ahead
from edt_sampling.experiments.stage import Stage
from edt_sampling.protocol import Completion, Engine, Request
from edt_sampling.store import Writer

Warn = Callable[[str], object]


class Decoded(NamedTuple):
    """A unit's completions by seed, and the seconds that they took."""

    unit: int
    completions: dict[int, list[Completion]]
    seconds: float


def decode(stage: Stage, *, engine: Engine, writer: Writer, warn: Warn = warnings.warn) -> Generator[int]:
    """Decode the units that are not done yet; yields each unit's number once it is on disk.

    A unit is one batch of the engine, whatever was done before it, so a stage that was stopped and goes on generates what an
    uninterrupted one does. Where it goes on under another environment, ``warn`` is told in one line what differs. As many units as the
    engine takes ``ahead`` are under way at once; whatever ends this, those that are finished are on disk then: close it.
    """
    pending = _pending(stage, writer)
    if not pending:
        return
    environment = _environment(stage, engine, writer, warn)
    _check_prompts(stage, engine, pending)

    def commit(found: Decoded) -> int:
        unit, completions, seconds = found
        writer.commit(stage.name, unit, completions, environment=environment, seconds=seconds, memory=engine.memory())
        return unit

    if engine.ahead == 1:
        for unit in pending:
            yield commit(_decoded(stage, engine, unit))
        return
    at_once = Ahead(lambda unit: _named_decoded(stage, engine, unit), pending, width=engine.ahead)
    try:
        for found in at_once:
            yield commit(found)
    finally:
        for found in at_once.land(engine):
            commit(found)


def force(stage: Stage, *, engine: Engine, writer: Writer, warn: Warn = warnings.warn) -> Generator[int]:
    """Teacher-force the units' first references that are not done yet; yields as ``decode`` does."""
    pending = _pending(stage, writer)
    if not pending:
        return
    environment = _environment(stage, engine, writer, warn)
    for unit in pending:
        began = perf_counter()
        example = stage.examples[unit]
        with _named(example.id):
            forced = engine.force(stage.requests(unit)[0], example.references[0])
        writer.commit_forced(stage.name, unit, forced, environment=environment, seconds=perf_counter() - began)
        yield unit


def _pending(stage: Stage, writer: Writer) -> list[int]:
    stage.begin(writer)
    done = writer.done(stage.name)
    return [unit for unit in range(len(stage.examples)) if unit not in done]


def _environment(stage: Stage, engine: Engine, writer: Writer, warn: Warn) -> int:
    description: dict[str, Any] = engine.describe() | {"cache_bytes": stage.recipe.cache_bytes or "default"}
    environment, changes = writer.environment(description)
    if changes:
        warn(f"this run goes on under another environment, which may change a text here and there: {', '.join(changes)}")
    return environment


def _check_prompts(stage: Stage, engine: Engine, units: list[int]) -> None:
    """Raises ValueError naming the first example that the engine cannot run, before any is run."""
    for unit in units:
        with _named(stage.examples[unit].id):
            engine.check(stage.requests(unit)[0])


@contextmanager
def _named(example: str) -> Generator[None]:
    """Puts the example's name before what is wrong with it."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"example {example}: {error}") from None


def _named_decoded(stage: Stage, engine: Engine, unit: int) -> Decoded:
    """What only a server knows of a prompt, that it is too long for one, it says once it is asked."""
    with _named(stage.examples[unit].id):
        return _decoded(stage, engine, unit)


def _decoded(stage: Stage, engine: Engine, unit: int) -> Decoded:
    requests, began = stage.requests(unit), perf_counter()
    found = {request.seed: completions for request, completions in zip(requests, engine.generate(requests), strict=True)}
    for request in requests:
        _check(request, found[request.seed])
    return Decoded(unit, found, perf_counter() - began)


def _check(request: Request, completions: list[Completion]) -> None:
    expected = list(product(range(len(request.settings)), range(request.samples)))
    if [(c.setting, c.sample) for c in completions] != expected:
        raise RuntimeError(f"the engine owes request {request.id} {len(expected)} texts, settings in order, and gave {len(completions)}")
