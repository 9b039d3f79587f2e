"""Parameters behind a task's name: ``xlsum:language=french,max_characters=3000``, the notation of policies and metrics."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from keyword import iskeyword
from typing import Any

FRESH = ("docstrings-summary", "docstrings-question")
"""The tasks on installed packages, which can be fresh."""
_GIVEN_APART = ("split", "fresh")
_BY_KEYWORD = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def read_spec(spec: str) -> tuple[str, dict[str, str]]:
    """A spec's name and its parameters as texts; a value may hold anything but a comma.

    Raises ValueError for an item that is not ``name=value``, or a name that stands twice.
    """
    name, _, rest = spec.strip().partition(":")
    found: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise ValueError(f"task {spec!r}: expected name=value, got {item!r}")
        if key in found:
            raise ValueError(f"task {spec!r}: {key} is given twice")
        found[key] = value
    return name.strip(), found


def arguments(factory: Callable[..., Any], name: str, given: Mapping[str, str], *, fresh: bool) -> dict[str, Any]:
    """What a task's factory is called with besides ``split``: keyword arguments that it names itself.

    A parameter is any other keyword of the factory, as text; one that is a Python keyword (``from``) has an underscore behind it there.
    Raises ValueError for a parameter that the factory does not have, and for ``fresh`` where it has none.
    """
    accepted = [p.name for p in inspect.signature(factory).parameters.values() if p.kind in _BY_KEYWORD]
    known = {key.removesuffix("_") if iskeyword(key.removesuffix("_")) else key: key for key in accepted if key not in _GIVEN_APART}
    for key in given:
        if key not in known:
            raise ValueError(f"task {name}: {key!r} is not one of its parameters: {', '.join(known) or 'it has none'}")
    if fresh and "fresh" not in accepted:
        raise ValueError(f"{name}: fresh is for tasks on installed packages ({', '.join(FRESH)})")
    return {known[key]: value for key, value in given.items()} | ({"fresh": fresh} if "fresh" in accepted else {})


def choice(task: str, parameter: str, value: str, allowed: Collection[str]) -> str:
    """The value, if it is allowed; else a ValueError that lists what is."""
    if value not in allowed:
        raise ValueError(f"{task}: {parameter} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def count(task: str, parameter: str, value: str | None, *, least: int) -> int | None:
    """The value as a whole number of at least ``least``; None where it was not given."""
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise ValueError(f"{task}: {parameter} must be a whole number >= {least}, got {value!r}")
    return int(value)
