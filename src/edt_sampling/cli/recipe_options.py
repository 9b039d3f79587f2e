"""The fields of a recipe as flags: each flag's help is its field's description."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar, cast

import click
from pydantic import BaseModel

from edt_sampling.experiments.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])


def recipe_options(*, without: Collection[str] = ()) -> Callable[[F], F]:
    """A command with a flag for every field of a recipe but those named; flags not given arrive as None."""

    def added(command: F) -> F:
        for name, option in reversed(_OPTIONS.items()):
            command = command if name in without else option(command)
        return command

    return added


def fields_of(flags: dict[str, Any]) -> dict[str, Any]:
    """The recipe's fields that these flags give, and ``policies``."""
    given = dict(flags)
    data, policies, stop = given.pop("data", None), given.pop("policy", ()), given.pop("stop")
    if data is not None and given["task"] is not None:
        raise click.UsageError("--data and --task say the same thing: give one of them")
    if data is not None:
        given["task"] = data
    given["policies"] = list(policies)
    given["stop"] = list(stop) if stop else None
    return given


def field_option(kind: type[BaseModel], name: str, *, switch: bool = False, **more: Any) -> Callable[[F], F]:
    """The flag of a recipe's field; None where it is not given. With ``switch``, ``--no-...`` turns it off."""
    field = kind.model_fields[name]
    told = (
        "" if field.default is None or field.is_required() or isinstance(field.default, bool) else f"  [default: {_shown(field.default)}]"
    )
    flag = name.replace("_", "-")
    flags = f"--{flag}/--no-{flag}" if switch else f"--{flag}"
    return click.option(flags, name, help=f"{field.description}{told}", default=None, **more)


def _field(name: str, **more: Any) -> Callable[[F], F]:
    return field_option(Recipe, name, **more)


def _shown(value: Any) -> str:
    return (",".join(map(str, cast(list[Any], value))) or "none") if isinstance(value, list) else str(value)


def words(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    """A callback: the words of a flag, split by commas."""
    return None if value is None else [part.strip() for part in value.split(",") if part.strip()]


def _numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    try:
        return None if value is None else [int(part) for part in words(context, parameter, value) or []]
    except ValueError:
        raise click.BadParameter(f"expected whole numbers split by commas, got {value!r}") from None


_OPTIONS = {
    "model": _field("model"),
    "engine": _field("engine"),
    "base_url": _field("base_url", metavar="URL"),
    "data": click.option("--data", metavar="FILE.jsonl", help="your own examples, a JSON object a line: prompt, references"),
    "task": _field("task"),
    "fresh": _field("fresh", is_flag=True, flag_value=True),
    "dev_limit": _field("dev_limit", type=int),
    "limit": _field("limit", type=int),
    "until": _field("until", type=float),
    "samples": _field("samples", type=int),
    "seeds": _field("seeds", callback=_numbers, metavar="0,1,..."),
    "policy": click.option(
        "--policy",
        multiple=True,
        metavar="SPEC",
        help="a setting such as edt:t0=0.8,theta=0.2, in place of the recipe's methods; fixed ones take the curve's place; repeatable",
    ),
    "filters": _field("filters"),
    "chat": _field("chat", is_flag=True, flag_value=True),
    "max_new_tokens": _field("max_new_tokens", type=int),
    "stop": click.option("--stop", multiple=True, metavar="TEXT", help=f"{Recipe.model_fields['stop'].description}; repeatable"),
    "metrics": _field("metrics", callback=words, metavar="NAME,..."),
    "dtype": _field("dtype"),
    "device": _field("device"),
    "threads": _field("threads", type=int),
    "cache_bytes": _field("cache_bytes", type=int),
    "concurrency": _field("concurrency", type=int),
}
