"""What the numerics page says of limits and dtypes, held against the code."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from markdown_pages import ROOT, inline_code, tables

import edt_sampling as edt
from edt_sampling.sampling import contract, philox

PAGE = ROOT / "docs" / "numerics.md"


def rows_named(first: str) -> list[list[str]]:
    """The rows of the table whose header begins so."""
    (table,) = [t for t in tables(PAGE) if t[0][0] == first]
    return table[1:]


def test_every_limit_named_exists_and_every_limit_is_named():
    named = {name for code in inline_code(PAGE) for name in re.findall(r"\b[A-Z]{5,}\b", code)}
    assert named == {name for name in vars(contract) if name.isupper() and isinstance(getattr(contract, name), float)}


@pytest.mark.parametrize("kind", [np, torch])
def test_the_dtypes_of_the_table(kind):
    (accepted,) = [case for case, _ in rows_named("case") if "float16" in case]
    for name in accepted.split(", "):
        if kind is torch or name != "bfloat16":
            result = edt.draw(kind.zeros((2, 3), dtype=getattr(kind, name)), "fixed:temperature=1", uniform=[0.1, 0.9])
            assert str(result.token.dtype).removeprefix("torch.") == "int64"
            assert {str(field.dtype).removeprefix("torch.") for field in result[1:]} == {"float64"}


def test_the_layout_of_the_counter(monkeypatch):
    """Each word is fed what its row of the table says."""
    seen = {}

    def spy(counter, key):
        seen.update({f"counter {i}": word for i, word in enumerate(counter)}, **{f"key {i}": word for i, word in enumerate(key)})
        return real(counter, key)

    real = philox.philox
    monkeypatch.setattr(philox, "philox", spy)
    edt.uniforms(2 << 32 | 1, 4 << 32 | 3, 5, 7)
    holds = {
        "low 32 bits of `request`": [3],
        "`sample` (32 bits)": [5],
        "high 32 bits of `request`": [4],
        "step, from 0 (32 bits)": list(range(7)),
    }
    table = dict(rows_named("word"))
    assert table.pop("key 0, key 1") == "low and high 32 bits of `seed`"
    assert (int(seen["key 0"]), int(seen["key 1"])) == (1, 2)
    assert len(table) == 4
    for word, meaning in table.items():
        assert np.ravel(seen[word]).tolist() == holds[meaning], word
