"""Running a plan: one prompt after the other, each committed whole."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import product
from time import perf_counter

from edt_sampling.experiments.plan import Plan
from edt_sampling.protocol import Completion, Engine, Request
from edt_sampling.store import Writer


def run(plan: Plan, *, engine: Engine, writer: Writer, warn: Callable[[str], object] = warnings.warn) -> Iterator[int]:
    """Decode the units that are not done yet; yields each unit's number once it is on disk.

    A unit is one batch of the engine, whatever was done before it, so a run that was stopped and goes on generates what an
    uninterrupted one does. Where it goes on under another environment, ``warn`` is told in one line what differs.
    """
    done = writer.done()
    pending = [unit for unit in range(len(plan.examples)) if unit not in done]
    if not pending:
        return
    environment, changes = writer.environment(engine.describe() | {"cache_bytes": plan.recipe.cache_bytes or "default"})
    if changes:
        warn(f"this run goes on under another environment, which may change a text here and there: {', '.join(changes)}")
    _check_prompts(plan, engine, pending)
    for unit in pending:
        began = perf_counter()
        completions = _decode(engine, plan.requests(unit))
        writer.commit(unit, completions, environment=environment, seconds=perf_counter() - began)
        yield unit


def _check_prompts(plan: Plan, engine: Engine, units: list[int]) -> None:
    """Raises ValueError naming the first example that the engine cannot run, before any is run."""
    for unit in units:
        try:
            engine.check(plan.requests(unit)[0])
        except ValueError as error:
            raise ValueError(f"example {plan.examples[unit].id}: {error}") from None


def _decode(engine: Engine, requests: list[Request]) -> dict[int, list[Completion]]:
    """Completions by seed."""
    found = {request.seed: completions for request, completions in zip(requests, engine.generate(requests), strict=True)}
    for request in requests:
        _check(request, found[request.seed])
    return found


def _check(request: Request, completions: list[Completion]) -> None:
    expected = list(product(range(len(request.settings)), range(request.samples)))
    if [(c.setting, c.sample) for c in completions] != expected:
        raise RuntimeError(f"the engine owes request {request.id} {len(expected)} texts, settings in order, and gave {len(completions)}")
