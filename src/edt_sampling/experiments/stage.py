"""A stage: prompts under settings, decoded and stored together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from edt_sampling.experiments.comparison import request_id
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling.filters import Filters
from edt_sampling.store import StoredExample, StoredSetting, Writer
from edt_sampling.tasks import Example

DEV, TEST, SHUFFLED = "dev", "test", "shuffled"
FORCED = {DEV: "forced-dev", TEST: "forced-test"}
"""The stages by name; those that teacher-force are by split."""

Schedules = Callable[[int, int], Mapping[int, np.ndarray]]
"""The temperatures of scheduled settings for a unit and a seed; see ``Request``."""


def unscheduled(unit: int, seed: int) -> Mapping[int, np.ndarray]:  # noqa: ARG001 - the signature of every Schedules
    """No temperatures: for stages without a scheduled setting."""
    return {}


class Decoding(Protocol):
    """What a stage reads of its recipe; see ``Recipe``."""

    @property
    def samples(self) -> int: ...
    @property
    def seeds(self) -> Sequence[int]: ...
    @property
    def max_new_tokens(self) -> int: ...
    @property
    def stop(self) -> Sequence[str]: ...
    @property
    def cache_bytes(self) -> int | None: ...


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Units are prompts, numbered as in ``examples``; all settings and samples of one decode together."""

    name: str
    split: str
    examples: tuple[Example, ...]
    settings: tuple[StoredSetting, ...]
    recipe: Decoding
    schedules: Schedules = unscheduled

    @property
    def forced(self) -> bool:
        """Whether it teacher-forces references, and generates nothing."""
        return self.name in FORCED.values()

    @property
    def texts(self) -> int:
        """How many texts the whole stage holds."""
        return len(self.examples) * len(self.settings) * self.recipe.samples * len(self.recipe.seeds)

    @cached_property
    def _read(self) -> tuple[Setting, ...]:
        """The settings as engines take them, read from their spec strings once for all units."""
        return tuple(Setting(policy=policy(s.policy), filters=Filters.parse(s.filters)) for s in self.settings)

    def begin(self, writer: Writer) -> None:
        """Writes down what the stage is."""
        examples = [StoredExample(id=e.id, prompt=e.prompt, references=e.references, check=e.check) for e in self.examples]
        writer.begin(self.name, split=self.split, examples=examples, settings=self.settings)

    def requests(self, unit: int) -> list[Request]:
        """The unit's prompt under every setting, a request for each seed."""
        example, recipe = self.examples[unit], self.recipe
        return [
            Request(
                id=request_id(example.id),
                prompt=example.prompt,
                without=example.without,
                settings=self._read,
                samples=recipe.samples,
                seed=seed,
                max_new_tokens=recipe.max_new_tokens,
                stop=tuple(recipe.stop),
                schedules=self.schedules(unit, seed),
            )
            for seed in recipe.seeds
        ]
