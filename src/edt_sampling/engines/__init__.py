"""Where text is generated: one engine a folder, named for its library and found by name."""

from __future__ import annotations

from typing import Any

from edt_sampling.plugins import Table
from edt_sampling.protocol import Engine

ENGINES = Table("engine", "edt_sampling.engines", {"transformers": "edt_sampling.engines.transformers:load"})
EXTRAS = {"transformers": "transformers"}


def load_engine(name: str, **options: Any) -> Engine:
    """The engine of this name with a model loaded; ``options`` are those of the engine's own ``load``.

    Raises ValueError for an unknown name, ImportError that says what to install where the engine's library is missing.
    """
    try:
        load = ENGINES.find(name)
    except ModuleNotFoundError as error:
        if name not in EXTRAS or (error.name or "").startswith("edt_sampling"):
            raise
        raise ImportError(f"engine {name} needs {error.name}: pip install 'edt-sampling[{EXTRAS[name]}]'") from None
    return load(**options)
