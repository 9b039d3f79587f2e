"""The metrics that a recipe names, made ready for its K."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from edt_sampling.metrics import load
from edt_sampling.tasks import Example

DIVERSITY = "self_bleu"
"""The axis along which settings are compared: lower is more diverse."""

QUALITIES = {"references", "checks"}
"""What a metric reads that says how good an output is."""

_LABELS = {
    "rouge_l": "ROUGE-L",
    "bleu": "BLEU",
    "chrf": "chrF",
    "passes": "pass@1",
    "self_bleu": "Self-BLEU",
    "eda": "EDA",
    "length": "len",
}


def label(metric: str) -> str:
    """What readers call a column."""
    name, _, rest = metric.partition(" ")
    return " ".join(filter(None, (_LABELS.get(name, name.replace("distinct_", "dist-").replace("passes_", "pass@")), rest)))


def measures(specs: Sequence[str], *, samples: int, run_code: bool = False, threads: int | None = None) -> list[Any]:
    """A metric for each spec, ``eda`` left as its class: its target is a score.

    A spec is a name, or ``name:parameter=value,...`` (``bleu:tokenizer=zh``). Metrics of groups get ``samples`` as their k. With
    ``run_code`` a metric may run programs that the model wrote, ``threads`` at once.

    Raises:
        ValueError: an unknown metric or parameter, a value out of range, or no Self-BLEU or no quality among them.
    """
    asked = {"run": run_code, "threads": threads}
    found = [_measure(spec, samples, asked) for spec in specs]
    names = [metric.name for metric in found]
    if len(set(names)) < len(names):
        raise ValueError(f"metrics: each may stand once, got {', '.join(specs)}")
    if DIVERSITY not in names or not qualities(found):
        raise ValueError(
            f"metrics: a verdict needs {DIVERSITY} and a metric that reads references or checks, such as rouge_l, got {', '.join(names)}"
        )
    return found


def qualities(metrics: Sequence[Any]) -> list[Any]:
    """Those that read references or checks, the primary one first."""
    return [metric for metric in metrics if metric.reads in QUALITIES]


def _measure(spec: str, samples: int, asked: Mapping[str, Any]) -> Any:
    name, _, rest = spec.partition(":")
    metric = load(name.strip())
    if metric.reads == "scores":
        return metric
    known = {f.name for f in fields(metric)} - {"_"}
    fixed: dict[str, Any] = {"k": samples} if "k" in known and metric.reads == "groups" else {}
    fixed |= {name: asked[name] for name in getattr(metric, "asks", ())}
    given = dict(_parameter(item, spec, known - set(fixed)) for item in rest.split(",") if item.strip())
    try:
        return metric(**fixed, **given)
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


def check(metrics: Sequence[Any], examples: Sequence[Example]) -> None:
    """Scores the references, so that a metric that cannot read them (ROUGE-L of Chinese) or run them says so before a run."""
    first, references = [e.references[0] for e in examples], [e.references for e in examples]
    for metric in metrics:
        if metric.reads == "references":
            metric.scores(first, references)
        if metric.reads == "checks":
            outcomes = metric.outcomes(first, [e.prompt for e in examples], [e.check for e in examples])
            if failed := [e.id for e, outcome in zip(examples, outcomes, strict=True) if not outcome]:
                raise ValueError(f"metric {metric.name}: the reference of example {failed[0]} fails its own check; mend or drop it")
