"""Where a run fails: texts of its test prompts picked by rule, and how many of each setting's texts fall under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edt_sampling.experiments.contrasts import opponents
from edt_sampling.experiments.measures import label, measures, qualities
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.score import of_texts, score
from edt_sampling.experiments.stage import TEST
from edt_sampling.store import Generation, Reader, StoreError

WORDS, TIMES = 4, 4
"""A text is repetitive where some sequence of so many words stands in it so many times."""
WORST = "worst"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """``told`` defines it; ``unit`` is that of a text's number; ``read`` gives the number, None for a text that does not fall under it."""

    told: str
    unit: str
    read: Callable[[Generation], float | None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A picked text: its prompt, the setting that wrote it, and its number by the rule."""

    example: str
    method: str
    policy: str
    seed: int
    sample: int
    score: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of a setting's texts fall under a rule."""

    method: str
    policy: str
    role: str
    failed: int
    texts: int


@dataclass(frozen=True, kw_only=True)
class Failures:
    """``picked`` by a rule, first those with the largest number; ``shares`` is empty where the rule orders texts and draws no line."""

    rule: str
    told: str
    unit: str
    picked: tuple[Failure, ...]
    shares: tuple[Share, ...]


def most_repeated(text: str) -> int:
    """How often the most frequent sequence of ``WORDS`` words (runs of anything but white space) stands in the text, overlaps counted."""
    words = text.split()
    return max(Counter(zip(*(words[i:] for i in range(WORDS)), strict=False)).values(), default=0)


def _repeats(g: Generation) -> float | None:
    times = most_repeated(g.text)
    return float(times) if times >= TIMES else None


RULES = {
    "repetitive": Rule(told=f"some {WORDS} words in a row stand in the text {TIMES} times or more", unit="times", read=_repeats),
    "empty": Rule(told="the text is white space or nothing", unit="tokens", read=lambda g: None if g.text.strip() else float(g.tokens)),
    "truncated": Rule(told="cut at the length limit", unit="tokens", read=lambda g: float(g.tokens) if g.finish == "length" else None),
    "uncertain": Rule(told="highest mean entropy over a text's tokens", unit="nats", read=lambda g: g.mean_entropy),
}
ORDERING = {"uncertain"}
"""Rules that every text falls under, more or less."""


def failures(reader: Reader, rule: str, *, limit: int, run_code: bool = False) -> Failures:
    """What falls under ``worst`` or one of ``RULES`` on the test prompts that are done, at most ``limit`` texts.

    ``worst`` picks the prompts where the subject lost most against the fixed temperature that matches it, and there its lowest-scoring
    text.

    Raises:
        ValueError: an unknown rule, or a metric that must run programs and may not (``run_code``).
        StoreError: no test prompt is done.
    """
    if rule not in (WORST, *RULES):
        raise ValueError(f"rule must be one of {', '.join((WORST, *RULES))}, got {rule!r}")
    if TEST not in reader.stages() or not reader.done(TEST):
        raise StoreError(f"{reader.path}: holds no test prompt that is done; give a run of edt compare, or go on with it")
    return _worst(reader, limit, run_code) if rule == WORST else _under(reader, rule, limit)


def _under(reader: Reader, name: str, limit: int) -> Failures:
    rule, settings, found = RULES[name], reader.settings(TEST), list[tuple[float, Generation]]()
    first = {(s.policy, s.filters): i for i, s in reversed(list(enumerate(settings)))}  # a setting may stand twice, chosen and tuned
    texts, failed = Counter[int](), Counter[int]()
    for g in (g for i in sorted(first.values()) for g in reader.generations(TEST, setting=i)):
        texts[g.setting] += 1
        if (number := rule.read(g)) is not None:
            failed[g.setting] += 1
            found.append((number, g))
    found.sort(key=lambda pair: (-pair[0], pair[1].unit))
    roles = {i: ", ".join(s.role for s in settings if (s.policy, s.filters) == key) for key, i in first.items()}
    shares = [
        Share(method=settings[i].method, policy=settings[i].policy, role=roles[i], failed=failed[i], texts=texts[i]) for i in sorted(roles)
    ]
    picked = tuple(_failure(reader, number, g) for number, g in found[:limit])
    return Failures(rule=name, told=rule.told, unit=rule.unit, picked=picked, shares=() if name in ORDERING else tuple(shares))


def _worst(reader: Reader, limit: int, run_code: bool) -> Failures:
    recipe, settings = Recipe.model_validate(reader.recipe()), reader.settings(TEST)
    primary = qualities(measures(recipe.metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads))[0]
    values, done = score(reader, TEST, [primary]).values[primary.name], reader.done(TEST)
    fixed, subject = opponents(settings)
    differences = values[:, subject] - values[:, fixed]
    order = [int(row) for row in np.argsort(differences, kind="stable") if differences[row] < 0][:limit]
    sides = " less ".join(f"{settings[i].method} {settings[i].policy}" for i in (subject, fixed))
    return Failures(
        rule=WORST,
        told=f"lowest mean {label(primary.name)} over a prompt's texts, {sides}; shown is the lowest-scoring text of the first",
        unit=label(primary.name),
        picked=tuple(_failure(reader, float(differences[row]), _lowest(reader, done[row], subject, primary)) for row in order),
        shares=(),
    )


def _lowest(reader: Reader, unit: int, setting: int, metric: object) -> Generation:
    """The setting's text of the prompt with the lowest score, the first of equals."""
    texts = list(reader.generations(TEST, setting=setting, start=unit, stop=unit + 1))
    scores = of_texts(metric, [g.text for g in texts], reader.examples(reader.stages()[TEST])[unit])
    return texts[int(np.argmin(scores))]


def _failure(reader: Reader, number: float, g: Generation) -> Failure:
    setting, example = reader.settings(TEST)[g.setting], reader.examples(reader.stages()[TEST])[g.unit]
    return Failure(
        example=example.id, method=setting.method, policy=setting.policy, seed=g.seed, sample=g.sample, score=number, text=g.text
    )
