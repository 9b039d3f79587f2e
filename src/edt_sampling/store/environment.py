"""What a run was decoded under, and how that changed between two starts of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two environments, ``name before -> now`` for each; nested names joined by dots."""
    old, new = dict(flat(before)), dict(flat(now))
    names = [*old, *(name for name in new if name not in old)]
    return [f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in names if old.get(name) != new.get(name)]


def flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Names and values one level deep: the names on the way to a value joined by dots."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        found += flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else [(prefix + name, value)]  # pyright: ignore[reportUnknownArgumentType]
    return found
