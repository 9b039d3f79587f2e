"""From stored texts to numbers: a value for each prompt and setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edt_sampling.store import Generation, Reader, StoredExample

FloatArray = npt.NDArray[np.float64]
Shape = tuple[int, int, int, int]  # prompts, settings, seeds, samples


@dataclass(frozen=True, kw_only=True)
class Scores:
    """``values[name]`` is ``[prompts, settings]``, the mean over samples and seeds; ``signatures[name]`` says of what.

    A metric that is undefined for a prompt's texts (distinct-n of texts of one word) is nan there.
    """

    values: dict[str, FloatArray]
    signatures: dict[str, str]
    prompts: int


def score(reader: Reader, stage: str, metrics: Sequence[Any], *, start: int = 0, stop: int | None = None) -> Scores:
    """Every metric but EDA (a function of other scores) on the stage's complete units, and what the engine recorded; on those from
    ``start`` up to but without ``stop`` where they are given.

    Raises ValueError where no such unit is complete.
    """
    examples, settings = reader.examples(reader.stages()[stage]), len(reader.settings(stage))
    units = [unit for unit in reader.done(stage) if start <= unit and (stop is None or unit < stop)]
    if not units:
        raise ValueError(f"{reader.path}: no prompt of {stage} is complete yet")
    rows = list(reader.generations(stage, start=start, stop=stop))
    seeds = len({g.seed for g in rows})
    shape = (len(units), settings, seeds, len(rows) // (len(units) * settings * seeds))
    values, signatures = _recorded(rows, shape)
    for metric in metrics:
        if metric.reads != "scores":
            values[metric.name] = _measured(metric, rows, shape, [examples[unit] for unit in units])
            signatures[metric.name] = metric.signature
    return Scores(values=values, signatures=signatures, prompts=len(units))


def joined(parts: Sequence[Scores]) -> Scores:
    """The scores of one stage whose prompts were scored in parts, in order."""
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
    return Scores(values=values, signatures=parts[0].signatures, prompts=sum(part.prompts for part in parts))


def of_texts(metric: Any, texts: Sequence[str], example: StoredExample) -> FloatArray:
    """A quality of each of an example's texts by itself, ``[texts]``; of programs, 1 for those that pass."""
    if metric.reads == "checks":
        return metric.outcomes(texts, [example.prompt] * len(texts), [example.check] * len(texts))
    return np.asarray(metric.scores(texts, [example.references] * len(texts)), dtype=np.float64)


def _measured(metric: Any, rows: list[Generation], shape: Shape, examples: Sequence[StoredExample]) -> FloatArray:
    """The metric's mean over seeds and samples. Rows come by prompt, setting, seed and sample, and every unit is complete."""
    texts, k, each = [g.text for g in rows], shape[3], len(rows) // len(examples)
    groups = [(tuple(texts[i : i + k]), examples[i // each]) for i in range(0, len(texts), k)]
    if metric.reads == "groups":
        found = _of_each(metric, [(group,) for group, _ in groups])
    elif metric.reads == "checks":
        found = _of_each(metric, [(group, example.prompt, example.check) for group, example in groups])
    elif metric.reads == "references":
        found = _of_each(metric, [(text, examples[i // each].references) for i, text in enumerate(texts)])
    else:
        found = _of_each(metric, [(text,) for text in texts])
    return found.reshape(*shape[:2], -1).mean(axis=2)


def _of_each(metric: Any, arguments: list[tuple[Any, ...]]) -> FloatArray:
    """The metric of each item, computed once for equal ones: greedy texts come K times, and low temperatures repeat theirs."""
    different = {argument: i for i, argument in enumerate(dict.fromkeys(arguments))}
    found = metric.scores(*(list(column) for column in zip(*different, strict=True)))
    return np.asarray(found, dtype=np.float64)[[different[argument] for argument in arguments]]


def _recorded(rows: list[Generation], shape: Shape) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """The share of texts cut at the length limit, and the mean temperature and entropy over a prompt's tokens."""

    def column(read: Callable[[Generation], float]) -> FloatArray:
        return np.array([read(g) for g in rows], dtype=np.float64).reshape(*shape[:2], -1).sum(axis=2)

    tokens = np.maximum(column(lambda g: g.tokens), 1)
    values = {
        "truncated": column(lambda g: g.finish == "length") / (shape[2] * shape[3]),
        "temperature": column(lambda g: (g.mean_temperature or 0.0) * g.tokens) / tokens,
        "entropy": column(lambda g: (g.mean_entropy or 0.0) * g.tokens) / tokens,
    }
    signatures = {
        "truncated": "truncated|share of texts that reached max_new_tokens",
        "temperature": "temperature|realised, mean over a prompt's tokens, then over prompts",
        "entropy": "entropy|nats, of the distribution that the policy read, mean over a prompt's tokens, then over prompts",
    }
    return values, signatures
