"""The fields of a recipe as flags: each flag's help is its field's description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from edt_sampling.experiments.recipe import Recipe

F = TypeVar("F", bound=Callable[..., Any])


def recipe_options(command: F) -> F:
    """A command with a flag for every field of a recipe; those not given arrive as None."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def fields_of(flags: dict[str, Any]) -> dict[str, Any]:
    """The recipe's fields that these flags give, and ``policies``."""
    given = dict(flags)
    data, policies, stop = given.pop("data"), given.pop("policy"), given.pop("stop")
    if data is not None and given["task"] is not None:
        raise click.UsageError("--data and --task say the same thing: give one of them")
    given["task"] = data if data is not None else given["task"]
    given["policies"] = list(policies)
    given["stop"] = list(stop) if stop else None
    return given


def _field(name: str, **more: Any) -> Callable[[F], F]:
    field = Recipe.model_fields[name]
    told = (
        "" if field.default is None or field.is_required() or isinstance(field.default, bool) else f"  [default: {_shown(field.default)}]"
    )
    return click.option(f"--{name.replace('_', '-')}", name, help=f"{field.description}{told}", default=None, **more)


def _shown(value: Any) -> str:
    return (",".join(map(str, cast(list[Any], value))) or "none") if isinstance(value, list) else str(value)


def _words(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [part.strip() for part in value.split(",") if part.strip()]


def _numbers(context: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    try:
        return None if value is None else [int(part) for part in _words(context, parameter, value) or []]
    except ValueError:
        raise click.BadParameter(f"expected whole numbers split by commas, got {value!r}") from None


_OPTIONS = (
    _field("model"),
    click.option("--data", metavar="FILE.jsonl", help="your own examples, a JSON object a line: prompt, references"),
    _field("task"),
    _field("fresh", is_flag=True, flag_value=True),
    _field("dev_limit", type=int),
    _field("limit", type=int),
    _field("until", type=float),
    _field("samples", type=int),
    _field("seeds", callback=_numbers, metavar="0,1,..."),
    click.option(
        "--policy",
        multiple=True,
        metavar="SPEC",
        help="a setting such as edt:t0=0.8,theta=0.2, in place of the recipe's methods; fixed ones take the curve's place; repeatable",
    ),
    _field("filters"),
    _field("chat", is_flag=True, flag_value=True),
    _field("max_new_tokens", type=int),
    click.option("--stop", multiple=True, metavar="TEXT", help=f"{Recipe.model_fields['stop'].description}; repeatable"),
    _field("metrics", callback=_words, metavar="NAME,..."),
    _field("dtype"),
    _field("device"),
    _field("threads", type=int),
    _field("cache_bytes", type=int),
)
