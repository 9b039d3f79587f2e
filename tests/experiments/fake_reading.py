"""An engine that reads: what it makes of a step is a function of the prompt, the step and the token before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from fake_run import FakeEngine, FakeTask

from edt_sampling.experiments.diagnosis.recipe import diagnosis_recipe
from edt_sampling.experiments.diagnosis.session import DiagnosisSession
from edt_sampling.experiments.diagnosis.stages import Diagnosis, make_diagnosis
from edt_sampling.protocol import Completion, Messages, Reading, Request
from edt_sampling.store import Reader

VOCABULARY = 30


@dataclass
class ReadingEngine(FakeEngine):
    """``tilt`` tells members of an ensemble apart; ``drops``: whether it has dropout; ``held``: what its memory is after each unit."""

    tilt: float = 0.0
    drops: bool = True
    held: int | None = None

    def memory(self) -> int | None:
        return self.held

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        """As the other one's, but with tokens that tell words apart: their lengths and first letters."""
        found = super().complete(request, setting, sample)
        tokens = np.array([(len(word) + ord(word[0])) % VOCABULARY for word in found.text.split()])
        return replace(found, trace=replace(found.trace, tokens=tokens))

    def read(
        self, prompt: str | Messages, text: str | Sequence[int], *, watch: np.ndarray | None = None, dropout: int | None = None
    ) -> Reading:
        if dropout is not None and not self.drops:
            raise ValueError("dropout: this model has none")
        tokens = np.array([len(word) for word in [*text.split(), ""]] if isinstance(text, str) else list(text)) % VOCABULARY
        p = np.stack([self._distribution(str(prompt), step, before, dropout) for step, before in enumerate([0, *tokens[:-1]])])
        order = np.argsort(-p, axis=-1, kind="stable")
        logs = np.log(p)
        entropy = -(p * logs).sum(axis=-1)
        top = np.take_along_axis(p, order[:, :2], axis=-1)
        best = order[:, :8]
        return Reading(
            tokens=tokens,
            entropy=entropy,
            max_probability=top[:, 0],
            margin=top[:, 0] - top[:, 1],
            varentropy=(p * logs**2).sum(axis=-1) - entropy**2,
            probability=p[np.arange(len(tokens)), tokens],
            rank=(order == tokens[:, None]).argmax(axis=-1),
            best=best,
            watched=np.take_along_axis(p, best if watch is None else watch, axis=-1),
        )

    def _distribution(self, prompt: str, step: int, before: int, dropout: int | None) -> np.ndarray:
        """Sharp at some steps and flat at others; the best tokens are lengths of words."""
        generator = np.random.default_rng([len(prompt), int(prompt.split()[-1]), step, before])
        logits = generator.normal(size=VOCABULARY) * generator.uniform(0.2, 5)
        logits[:8] += generator.uniform(0, 3)
        noise = np.random.default_rng([step, dropout % 2**31]).normal(size=VOCABULARY) if dropout is not None else 0.0
        weights = np.exp(logits + self.tilt * np.arange(VOCABULARY) / VOCABULARY + noise)
        return weights / weights.sum()


def fake_diagnosis(size: int = 6, **fields: Any) -> Diagnosis:
    recipe = diagnosis_recipe(**{"samples": 3, "metrics": ["rouge_l", "self_bleu"], **fields})
    return make_diagnosis(recipe, dev=FakeTask(size, split="dev"), model_fingerprint="fake")


def diagnose(diagnosis: Diagnosis, out: Path, engine: ReadingEngine | None = None, *, load: Any = None, warn: Any = None) -> list[str]:
    """The whole session; returns the name of the stage of each unit that was run."""
    ran: list[str] = []

    def watch(stage: Any, units: Any, done: int) -> None:
        ran.extend(stage.name for _ in units)

    with diagnosis.writer(out) as writer, Reader(writer.path) as reader:
        given = {"engine": engine or ReadingEngine(), "load": load, "watch": watch, "warn": warn or (lambda line: None)}
        DiagnosisSession(diagnosis=diagnosis, writer=writer, reader=reader, **given).run()
    return ran
