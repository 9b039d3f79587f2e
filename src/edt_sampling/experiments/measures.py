"""The metrics that a recipe names, made ready for its K."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from edt_sampling.metrics import load

DIVERSITY = "self_bleu"
"""The axis along which settings are compared: lower is more diverse."""

_LABELS = {"rouge_l": "ROUGE-L", "bleu": "BLEU", "self_bleu": "Self-BLEU", "eda": "EDA", "length": "len"}


def label(metric: str) -> str:
    """What readers call a column."""
    name, _, rest = metric.partition(" ")
    return " ".join(filter(None, (_LABELS.get(name, name.replace("distinct_", "dist-")), rest)))


def measures(specs: Sequence[str], *, samples: int) -> list[Any]:
    """A metric for each spec, ``eda`` left as its class: its target is a score.

    A spec is a name, or ``name:parameter=value,...`` (``bleu:tokenizer=zh``). Metrics of groups get ``samples`` as their k.

    Raises:
        ValueError: an unknown metric or parameter, a value out of range, or no Self-BLEU or no quality among them.
    """
    found = [_measure(spec, samples) for spec in specs]
    names = [metric.name for metric in found]
    if len(set(names)) < len(names):
        raise ValueError(f"metrics: each may stand once, got {', '.join(specs)}")
    if DIVERSITY not in names or not qualities(found):
        raise ValueError(
            f"metrics: a verdict needs {DIVERSITY} and a metric that reads references, such as rouge_l, got {', '.join(names)}"
        )
    return found


def qualities(metrics: Sequence[Any]) -> list[Any]:
    """Those that read references, the primary one first."""
    return [metric for metric in metrics if metric.reads == "references"]


def _measure(spec: str, samples: int) -> Any:
    name, _, rest = spec.partition(":")
    metric = load(name.strip())
    if metric.reads == "scores":
        return metric
    known = {f.name for f in fields(metric)} - {"_"}
    given = dict(_parameter(item, spec, known - {"k"}) for item in rest.split(",") if item.strip())
    try:
        return metric(**({"k": samples} if "k" in known else {}), **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"metric {spec!r}: {error}") from None


def _parameter(item: str, spec: str, known: set[str]) -> tuple[str, Any]:
    key, equals, value = (part.strip() for part in item.partition("="))
    if not equals or key not in known:
        raise ValueError(f"metric {spec!r}: {key!r} is not one of its parameters: {', '.join(sorted(known)) or 'it has none'}")
    try:
        return key, json.loads(value)  # numbers, true, false
    except json.JSONDecodeError:
        return key, value


def check(metrics: Sequence[Any], references: Sequence[Sequence[str]]) -> None:
    """Scores the references against themselves, so that a metric that cannot read them (ROUGE-L of Chinese) says so before a run."""
    for metric in metrics:
        if metric.reads == "references":
            metric.scores([texts[0] for texts in references], references)
