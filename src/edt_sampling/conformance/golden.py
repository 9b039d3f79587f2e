"""The golden vectors: what the float64 oracle makes of given logits, and the bundled model of given texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from edt_sampling.conformance.subject import Rows, Steps

T0, TOP_P = 0.6, 0.95
POLICY = f"edt:t0={T0},theta=0.5"
"""The policy of the texts."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Rows of logits ``[rows, vocab]`` float32, a policy and a uniform number each, and what comes of them under top-p."""

    name: str
    logits: np.ndarray
    policies: tuple[str, ...]
    uniform: np.ndarray
    expected: Rows


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text that the bundled model is made to write behind a prompt, in tokens, and what it reads at each step under ``POLICY``."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    expected: Steps


@dataclass(frozen=True, kw_only=True)
class Greedy:
    """The bundled model's greedy text behind a prompt; at every step its best token leads by more than 0.05 nats."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Golden:
    """All of it."""

    cases: tuple[Case, ...]
    texts: tuple[Text, ...]
    greedy: tuple[Greedy, ...]


@cache
def golden() -> Golden:
    """The vectors of ``golden.json``."""
    stored = json.loads((files("edt_sampling") / "conformance" / "golden.json").read_text(encoding="utf-8"))
    return Golden(
        cases=tuple(_case(case) for case in stored["cases"]),
        texts=tuple(
            Text(
                prompt=tuple(text["prompt"]),
                tokens=tuple(text["tokens"]),
                expected=Steps(entropy=np.array(text["entropy"]), temperature=np.array(text["temperature"])),
            )
            for text in stored["texts"]
        ),
        greedy=tuple(Greedy(prompt=tuple(text["prompt"]), tokens=tuple(text["tokens"])) for text in stored["greedy"]),
    )


def _case(stored: dict[str, Any]) -> Case:
    logits = np.array([[-np.inf if x is None else x for x in row] for row in stored["logits"]], dtype=np.float32)
    return Case(
        name=stored["name"],
        logits=logits,
        policies=tuple(stored["policies"]),
        uniform=np.array(stored["uniform"]),
        expected=Rows(
            entropy=np.array(stored["entropy"]),
            temperature=np.array(stored["temperature"]),
            probabilities=_dense(stored["probabilities"], logits.shape),
            tokens=np.array(stored["tokens"]),
        ),
    )


def _dense(survivors: Sequence[dict[str, float]], shape: tuple[int, ...]) -> np.ndarray:
    """The probabilities of the tokens that survive, by number, among those of the whole vocabulary."""
    whole = np.zeros(shape)
    for row, kept in zip(whole, survivors, strict=True):
        row[[int(token) for token in kept]] = list(kept.values())
    return whole
