"""Reading a recipe: the shipped one, a file of the user's over it, flags over both; every mistake one line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from edt_sampling.experiments.recipe import Method, Recipe

DEFAULT = files("edt_sampling.experiments") / "recipes" / "compare.toml"

R = TypeVar("R", bound=BaseModel)
T = TypeVar("T", bound=Recipe)


def load_recipe(file: Path | None = None, *, kind: type[T] = Recipe, policies: Sequence[str] = (), **flags: Any) -> T:
    """The recipe, of this kind, of these flags over this file over the shipped ``compare.toml``; a flag that is None says nothing.

    ``policies`` take the place of all methods, each kind a method of its own; the fixed temperatures, which they are held against, stay
    where ``policies`` hold none.

    Raises:
        ValueError: an unknown field, a value that a field does not take, or a file that is not TOML; names the field.
        OSError: the file cannot be read.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    fields = _parse(DEFAULT.read_text(encoding="utf-8"), "compare.toml")
    fields |= read_fields(file)
    recipe = validated(kind, fields | given, file=file, flags=given)
    if not policies:
        return recipe
    return validated(kind, fields | given | {"methods": _methods(recipe, policies)}, file=file, flags=given)


def read_fields(file: Path | None) -> dict[str, Any]:
    """The fields that stand in a recipe file, or in the one that it names with ``over``, relative to itself, and is laid over; none without
    a file. Raises ValueError where it is not TOML or that one is laid over a third, OSError where it cannot be read."""
    if file is None:
        return {}
    fields = _parse(file.read_bytes().decode("utf-8", errors="replace"), str(file))
    under = fields.pop("over", None)
    if under is None:
        return fields
    if not isinstance(under, str):
        raise ValueError(f"recipe {file}: over must name a recipe file, got {under!r}")
    lower = file.parent / under
    below = _parse(lower.read_bytes().decode("utf-8", errors="replace"), str(lower))
    if "over" in below:
        raise ValueError(f"recipe {file}: is laid over {under}, which is laid over another one: name that one, {below['over']!r}")
    return below | fields


def validated(kind: type[R], fields: Mapping[str, Any], *, file: Path | None, flags: Mapping[str, Any]) -> R:
    """A recipe of this kind with these fields, which came from ``file`` and from ``flags``, or a ValueError that names the field."""
    try:
        return kind.model_validate(dict(fields))
    except ValidationError as error:
        raise ValueError(f"recipe{f' {file}' if file else ''}: {_first(error, kind, flags)}") from None


def _methods(recipe: Recipe, policies: Sequence[str]) -> list[Any]:
    """Policies grouped under their own names, in the order given, behind the recipe's curve where they bring none."""
    groups: dict[str, list[str]] = {}
    for spec in policies:
        groups.setdefault(spec.partition(":")[0].strip(), []).append(spec)
    curve = [] if "fixed" in groups else [recipe.fixed.model_dump()]
    return curve + [{"name": name, "policies": specs} for name, specs in groups.items()]


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"recipe {name}: is not TOML: {error}") from None


def _first(error: ValidationError, kind: type[BaseModel], flags: Mapping[str, Any]) -> str:
    """One mistake: where, what is allowed, what was given; a typo first, because a missing field follows from it."""
    mistake, *others = sorted(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
    where = _where(mistake["loc"])
    more = f" (and {len(others)} more)" if others else ""
    if mistake["type"] == "extra_forbidden":
        return f"unknown field {where!r}{_nearest(mistake['loc'], kind)}{more}"
    told = mistake["msg"].removeprefix("Value error, ")
    told = told[0].lower() + told[1:]
    given = "" if mistake["type"] in ("value_error", "missing") else f", got {mistake['input']!r}"
    flag = f" (--{where.replace('_', '-')})" if where in flags else ""
    return f"{where}{flag}: {told}{given}{more}" if where else f"{told}{more}"  # what concerns several fields names them itself


def _where(place: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _nearest(place: Sequence[int | str], kind: type[BaseModel]) -> str:
    known = (kind if len(place) == 1 else Method).model_fields
    close = get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
