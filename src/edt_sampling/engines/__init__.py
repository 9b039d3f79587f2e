"""Where text is generated: one engine a folder, named for its library and found by name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from edt_sampling.protocol import Engine

BUILT_IN = {"transformers": "edt_sampling.engines.transformers:load"}
EXTRAS = {"transformers": "transformers"}
ENTRY_POINTS = "edt_sampling.engines"


def load_engine(name: str, **options: Any) -> Engine:
    """The engine of this name with a model loaded; ``options`` are those of the engine's own ``load``.

    Raises ValueError for an unknown name, ImportError that says what to install where the engine's library is missing.
    """
    if name not in BUILT_IN:
        for entry in entry_points(group=ENTRY_POINTS, name=name):
            return entry.load()(**options)
        close = get_close_matches(name, BUILT_IN, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown engine {name!r}{hint} Known: {', '.join(BUILT_IN)}")
    module, _, attribute = BUILT_IN[name].partition(":")
    try:
        load = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("edt_sampling"):
            raise
        raise ImportError(f"engine {name} needs {error.name}: pip install 'edt-sampling[{EXTRAS[name]}]'") from None
    return load(**options)
