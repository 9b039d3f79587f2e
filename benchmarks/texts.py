"""Texts of made-up words that repeat each other as a model's samples do, for timing metrics on."""

from __future__ import annotations

import random

WORDS = 3000
CHANGED = 0.35
"""The chance that a word of a prompt's common text is another one in a sample."""


def groups(prompts: int, samples: int, *, seed: int = 0) -> list[list[str]]:
    """For each prompt, samples of 30 to 60 words of one common text with changes, sentences with stops, ``[prompts][samples]``."""
    rng = random.Random(seed)
    vocabulary = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(WORDS)]
    weights = [1 / rank for rank in range(1, WORDS + 1)]
    found: list[list[str]] = []
    for _ in range(prompts):
        common = rng.choices(vocabulary, weights, k=60)
        found.append([_sample(common, vocabulary, weights, rng) for _ in range(samples)])
    return found


def _sample(common: list[str], vocabulary: list[str], weights: list[float], rng: random.Random) -> str:
    words = common[: rng.randint(30, 60)]
    other = iter(rng.choices(vocabulary, weights, k=len(words)))
    words = [next(other) if rng.random() < CHANGED else word for word in words]
    return " ".join(word + "." if place % 12 == 11 else word for place, word in enumerate(words))
