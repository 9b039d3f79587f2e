"""Splits by name, and near-duplicates kept together.

Documentation repeats itself: one function is wrapped in two modules, one sentence describes a
parameter in forty places. Texts with the same key form a group, one member stands for it, and the
hash of that member's name says the split of the whole group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping

SPLITS = ("train", "dev", "test")
_DEV_PERCENT, _TEST_PERCENT = 6, 12


def split_of(name: str) -> str:
    """``train`` (82%), ``dev`` (6%) or ``test`` (12%), by the SHA-256 of the name."""
    bucket = _bucket(name, 100)
    return "dev" if bucket < _DEV_PERCENT else "test" if bucket < _DEV_PERCENT + _TEST_PERCENT else "train"


def held_out_split_of(text: str) -> str:
    """``dev`` (one third) or ``test`` (two thirds), by the SHA-256 of the text."""
    return "dev" if _bucket(text, 3) == 0 else "test"


def _bucket(text: str, count: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % count


def groups(keys: Mapping[str, Iterable[Hashable]]) -> dict[str, str]:
    """Name to the smallest name of its group, where names that share a key, directly or by a chain, are one group."""
    parent = {name: name for name in keys}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    owner: dict[Hashable, str] = {}
    for name, own in keys.items():
        for key in own:
            a, b = root(name), root(owner.setdefault(key, name))
            parent[max(a, b)] = min(a, b)
    return {name: root(name) for name in keys}
