"""How good: one metric a file; lists of strings in, one float a text or a group out, and a signature that says exactly what was measured.

A metric is a frozen dataclass with these members, and so is a plug-in's:

* ``name``: its column in tables, such as ``self_bleu``.
* ``signature``: ``key:value`` parts joined by ``|``: everything that moves the value, the library's version included.
* ``reads``: what ``scores`` takes. ``"references"``: ``scores(outputs, references)``, one value an output.
  ``"groups"``: ``scores(groups)``, one value a group, which is the K outputs of one prompt.
  ``"outputs"``: ``scores(outputs)``, one value an output. ``"scores"``: no texts but other metrics' values (EDA).

Values lie on 0..1, not 0..100, except ``length`` (a count) and ``eda`` (a distance, 0 upwards, lower is better).

This package imports no library: the table holds paths, and ``load`` imports the one file that is asked for.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

__all__ = ["ENTRY_POINT_GROUP", "METRICS", "load"]

METRICS = {
    "bleu": "edt_sampling.metrics.bleu:Bleu",
    "distinct_n": "edt_sampling.metrics.distinct_n:DistinctN",
    "eda": "edt_sampling.metrics.eda:Eda",
    "length": "edt_sampling.metrics.length:Length",
    "rouge_l": "edt_sampling.metrics.rouge_l:RougeL",
    "self_bleu": "edt_sampling.metrics.self_bleu:SelfBleu",
}
"""Built-in metrics: name to ``module:class``."""

ENTRY_POINT_GROUP = "edt_sampling.metrics"
"""Other packages add a metric with an entry point in this group; a built-in name cannot be taken over."""


def load(name: str) -> type[Any]:
    """The metric's class, to be called with its parameters: ``load("distinct_n")(n=3)``.

    Installed packages' entry points are scanned only if no built-in metric has the name.

    Raises:
        ValueError: nothing has the name (the message lists what does), or two packages claim it.
    """
    if name in METRICS:
        module, _, attribute = METRICS[name].partition(":")
        return getattr(import_module(module), attribute)
    return _load_plugin(name)


def _load_plugin(name: str) -> type[Any]:
    from importlib.metadata import entry_points  # here, not above: it costs more than the rest of the package

    plugins = entry_points(group=ENTRY_POINT_GROUP)
    # A set, because a package that is on sys.path twice shows its entry points twice.
    claims = sorted({plugin.value for plugin in plugins if plugin.name == name})
    if len(claims) > 1:
        raise ValueError(f"metric {name!r}: claimed by {' and '.join(claims)}; uninstall one of the packages, or import the class you want")
    for plugin in plugins:
        if plugin.name == name:
            return plugin.load()
    raise ValueError(_unknown(name, [*METRICS, *plugins.names]))


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return (
        f"metric {name!r}: unknown; {hint}known: {', '.join(sorted(known))}; "
        f"a package can add one by an entry point in the group {ENTRY_POINT_GROUP!r}"
    )
