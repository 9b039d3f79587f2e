"""How good: one metric a file; lists of strings in, one float a text or a group out, and a signature that says exactly what was measured.

A metric is a frozen dataclass with these members, and so is a plug-in's:

* ``name``: its column in tables, such as ``self_bleu``.
* ``signature``: ``key:value`` parts joined by ``|``: everything that moves the value, the library's version included.
* ``reads``: what ``scores`` takes. ``"references"``: ``scores(outputs, references)``, one value an output.
  ``"groups"``: ``scores(groups)``, one value a group, which is the K outputs of one prompt.
  ``"outputs"``: ``scores(outputs)``, one value an output. ``"checks"``: ``scores(groups, prompts, checks)``, one value a group, whose
  outputs are programs, and ``outcomes(outputs, prompts, checks)``, one an output. ``"scores"``: no texts but other metrics' values (EDA).

Values lie on 0..1, not 0..100, except ``length`` (a count) and ``eda`` (a distance, 0 upwards, lower is better).

This package imports no library: the table holds paths, and ``load`` imports the one file that is asked for.
"""

from __future__ import annotations

from typing import Any

from edt_sampling.plugins import Table

__all__ = ["METRICS", "load"]

METRICS = Table(
    "metric",
    "edt_sampling.metrics",
    {
        "bleu": "edt_sampling.metrics.bleu:Bleu",
        "chrf": "edt_sampling.metrics.chrf:Chrf",
        "distinct_n": "edt_sampling.metrics.distinct_n:DistinctN",
        "eda": "edt_sampling.metrics.eda:Eda",
        "length": "edt_sampling.metrics.length:Length",
        "passes": "edt_sampling.metrics.passes:Passes",
        "rouge_l": "edt_sampling.metrics.rouge_l:RougeL",
        "self_bleu": "edt_sampling.metrics.self_bleu:SelfBleu",
    },
)


def load(name: str) -> type[Any]:
    """The metric's class, to be called with its parameters: ``load("distinct_n")(n=3)``. Raises ValueError for an unknown name."""
    return METRICS.find(name)
