"""What can be named: built-in things by a literal table, other packages' by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Table:
    """Names of one kind of thing (``policy``, ``metric``, ...): each built-in one with its ``module:attribute``.

    Other packages add to it by entry points in ``group``; these are scanned only for a name that is not built in, so a
    built-in name cannot be taken over.
    """

    kind: str
    group: str
    built_in: Mapping[str, str]

    def find(self, name: str, *, also: str = "") -> Any:
        """The thing of this name, imported. ``also`` says at the end of the error what else would have been understood.

        Raises ValueError where nothing has the name (the message lists what does), or two packages claim it.
        """
        if name in self.built_in:
            module, _, attribute = self.built_in[name].partition(":")
            return getattr(import_module(module), attribute)
        return self._plugin(name, also)

    def _plugin(self, name: str, also: str) -> Any:
        from importlib.metadata import entry_points  # here, not above: it costs more than the rest of the package

        plugins = entry_points(group=self.group)
        claims = {plugin.value: plugin for plugin in plugins if plugin.name == name}  # a package may stand twice on sys.path
        if len(claims) > 1:
            raise ValueError(f"{self.kind} {name!r}: claimed by {' and '.join(sorted(claims))}; uninstall one of the packages")
        for plugin in claims.values():
            return plugin.load()
        known = list(dict.fromkeys([*self.built_in, *plugins.names]))
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {self.kind} {name!r}; {hint}known: {', '.join(known)}{also}")
