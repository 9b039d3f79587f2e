"""The stages of a comparison: what each decodes, and what it takes from those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edt_sampling.experiments.choice import Choice
from edt_sampling.experiments.comparison import Comparison, request_id
from edt_sampling.experiments.findings import Role
from edt_sampling.experiments.recipe import Method, Recipe
from edt_sampling.experiments.stage import DEV, FORCED, SHUFFLED, TEST, Stage
from edt_sampling.policies import Fixed
from edt_sampling.store import Reader, StoredSetting

FORCED_TEMPERATURES = tuple(round(0.1 + 0.05 * i, 2) for i in range(39))
"""Fixed temperatures from 0.1 to 2 that teacher-forcing adds to the recipe's: a dense curve costs no sampling."""


def dev_stage(comparison: Comparison) -> Stage:
    """Every setting of the recipe on dev."""
    return _stage(comparison, DEV, DEV, _settings(comparison.recipe))


def forced_stage(comparison: Comparison, split: str, prompts: int | None = None) -> Stage:
    """Every setting of the recipe, and a dense grid of fixed temperatures, on the references of the first prompts."""
    known = _settings(comparison.recipe)
    method = comparison.recipe.fixed
    grid = [_setting(comparison.recipe, method, Fixed(temperature=t), "fixed") for t in FORCED_TEMPERATURES]
    return _stage(comparison, FORCED[split], split, [*known, *(s for s in grid if s not in known)], prompts)


def test_stage(comparison: Comparison, choice: Choice, prompts: int) -> Stage:
    """The fixed temperatures, each method's chosen and tuned settings, and the subject's fixed matches, on the first test prompts."""
    recipe = comparison.recipe
    fixed = [s for s in _settings(recipe) if s.method == recipe.fixed.name]
    settings = [replace(s, role="baseline") if s.policy == choice.baseline else s for s in fixed]
    settings += [replace(s, role=role) for role, found in (("chosen", choice.chosen), ("tuned", choice.tuned)) for s in found]
    settings += [
        replace(_setting(recipe, recipe.fixed, Fixed(temperature=t), role), method=f"{recipe.fixed.name}, {role}")
        for role, t in choice.matched.items()
    ]
    return _stage(comparison, TEST, TEST, settings, prompts)


def shuffled_stage(comparison: Comparison, reader: Reader, prompts: int) -> Stage:
    """The subject's chosen setting with the temperatures of each of its test texts dealt out to that text's tokens in random order."""
    settings = reader.settings(TEST)
    subject = next(i for i, s in enumerate(settings) if s.role == "chosen")
    recipe, examples = comparison.recipe, comparison.test
    pairs = zip(reader.generations(TEST, setting=subject), reader.traces(TEST, setting=subject), strict=True)
    kept = {(g.unit, g.seed, g.sample): trace.temperature for g, trace in pairs}

    def schedules(unit: int, seed: int) -> Mapping[int, np.ndarray]:
        key = request_id(examples[unit].id)
        return {0: np.stack([_dealt(kept[unit, seed, k], recipe.max_new_tokens, [key, seed, k]) for k in range(recipe.samples)])}

    shuffled = replace(settings[subject], method=f"{settings[subject].method}, shuffled", policy="scheduled", role="shuffled")
    return replace(_stage(comparison, SHUFFLED, TEST, [shuffled], prompts), schedules=schedules)


def _dealt(temperatures: np.ndarray, steps: int, seed: Sequence[int]) -> np.ndarray:
    """The temperatures in random order, over and over in new orders until there are enough; 0 where there are none to deal."""
    if not len(temperatures):
        return np.zeros(steps)
    generator = np.random.default_rng(seed)
    rounds = -(-steps // len(temperatures))
    return np.concatenate([generator.permutation(temperatures) for _ in range(rounds)])[:steps].astype(np.float64)


def _stage(comparison: Comparison, name: str, split: str, settings: Sequence[StoredSetting], prompts: int | None = None) -> Stage:
    examples = comparison.dev if split == DEV else comparison.test
    return Stage(name=name, split=split, examples=examples[:prompts], settings=tuple(settings), recipe=comparison.recipe)


def _settings(recipe: Recipe) -> list[StoredSetting]:
    """Every setting of the recipe with its part."""
    return [
        _setting(recipe, method, found, _role(found, "fixed" if method is recipe.fixed else "candidate"))
        for method in recipe.methods
        for found in method.read()
    ]


def _role(found: Any, role: Role) -> Role:
    return "greedy" if isinstance(found, Fixed) and found.temperature == 0 else role


def _setting(recipe: Recipe, method: Method, found: Any, role: Role) -> StoredSetting:
    return StoredSetting(method=method.name, policy=str(found), filters=str(recipe.setting(method, found).filters), role=role)
