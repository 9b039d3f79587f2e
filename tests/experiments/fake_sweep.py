"""Sweeps made of given numbers and of the fake engine's texts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from fake_run import FakeEngine, FakeTask

from edt_sampling.experiments.comparison import Comparison
from edt_sampling.experiments.recipe import Method, Recipe
from edt_sampling.experiments.run import decode
from edt_sampling.experiments.sweep.find import find_sweep
from edt_sampling.experiments.sweep.findings import SweepFindings
from edt_sampling.experiments.sweep.grid import place, sweep_methods
from edt_sampling.experiments.sweep.stage import make_sweep, sweep_stage
from edt_sampling.experiments.sweep.surfaces import Surfaces
from edt_sampling.metrics.eda import Eda
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Completion, Request, Setting
from edt_sampling.store import Reader

FIXED = Method(name="Fixed", policies=["fixed:temperature=0", "fixed:temperature=0.3"], filters=None)
TEMPERATURES = [0.2 * i for i in range(1, 9)]
PLACES = [(t0, theta) for t0 in (0.5, 0.7, 0.9, 1.1, 1.3, 1.4) for theta in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)]
FEW = [(t0, theta) for t0, theta in PLACES if t0 in (0.5, 0.9, 1.3) and theta in (0.2, 1.0, 5.0)]
"""A large grid, and a small one for what is drawn many times."""


def policies(places: Sequence[tuple[float, float]]) -> list[str]:
    return [f"edt:t0={t0:g},theta={theta:g}" for t0, theta in places]


def heat(t0: float, theta: float) -> float:
    """The fixed temperature that a cell is like, where nothing is planted."""
    return t0 * 0.8 ** (theta / 2)


def drawn_surfaces(
    seed: int, *, prompts: int = 60, places: Sequence[tuple[float, float]] = FEW, gains: Sequence[float] | None = None
) -> Surfaces:
    """Scores of eight fixed temperatures and of the cells, each cell like the fixed temperature of its ``heat`` plus its gain.

    A prompt has a level of its own that all settings share, a slope, and a noise that is alike for settings of like heat, so that
    neighbouring cells move together as those of one grid do.
    """
    generator = np.random.default_rng(seed)
    heats = np.array([*TEMPERATURES, *(heat(*at) for at in places)])
    wobble = _smooth(generator, prompts, heats) + 0.5 * generator.normal(size=(prompts, len(heats)))
    quality = 0.25 - 0.09 * heats**1.5 + 0.04 * generator.normal(size=(prompts, 1)) * (1 + heats) / 2 + 0.03 * wobble
    quality[:, len(TEMPERATURES) :] += np.zeros(len(places)) if gains is None else np.asarray(gains)
    diversity = np.exp(-1.8 * heats) + 0.02 * _smooth(generator, prompts, heats)
    cells = range(len(TEMPERATURES), len(heats))
    return Surfaces(np.clip(quality, 0, 1), np.clip(diversity, 0, 1), tuple(cells), tuple(range(len(TEMPERATURES))), Eda(target=0.25))


def _smooth(generator: np.random.Generator, prompts: int, heats: np.ndarray) -> np.ndarray:
    """Noise of variance about 1 that is nearly the same for settings whose heats differ by less than a tenth."""
    knots = np.linspace(0, 1.6, 9)
    near = np.exp(-(((heats[None, :] - knots[:, None]) / 0.2) ** 2))
    return generator.normal(size=(prompts, len(knots))) @ (near / np.sqrt((near**2).sum(axis=0)))


@dataclass
class PlacedEngine(FakeEngine):
    """Cells write what the fixed temperature of their ``heat`` does, to the letter."""

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        found = request.settings[setting].policy
        temperature = found.temperature if isinstance(found, Fixed) else heat(*place(str(found)))
        like = replace(request, settings=(Setting(policy=Fixed(temperature=temperature)),))
        return replace(super().complete(like, 0, sample), setting=setting)


def fake_sweep(
    prompts: int = 6, *, name: str = "fake", t0: Sequence[float] = (0.6, 1.2), theta: Sequence[float] = (0.1, 1.0), **fields: Any
) -> Comparison:
    """A small sweep, for the fake engine."""
    methods = [method.model_dump() for method in sweep_methods(FIXED, t0=t0, theta=theta)]
    recipe = Recipe.model_validate({"methods": methods, "samples": 2, "task": name, **fields})
    return make_sweep(recipe, dev=FakeTask(prompts, name=name, split="dev"), model_fingerprint="fake")


def decoded(sweep: Comparison, out: Path, engine: FakeEngine | None = None) -> list[int]:
    """The units that were run."""
    with sweep.writer(out) as writer:
        return list(decode(sweep_stage(sweep), engine=engine or PlacedEngine(), writer=writer, warn=lambda line: None))


def found(*sweeps: Comparison, out: Path, **more: Any) -> SweepFindings:
    """The findings of decoded sweeps."""
    with ExitStack() as opened:
        return find_sweep([opened.enter_context(Reader(sweep.folder(out))) for sweep in sweeps], **more)
