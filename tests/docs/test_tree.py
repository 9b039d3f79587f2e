"""The README's tree has a line for every module."""

from __future__ import annotations

from markdown_pages import ROOT


def test_every_module_has_its_line():
    source = ROOT / "src" / "edt_sampling"
    tree = (ROOT / "README.md").read_text().partition("## What is where")[2]
    named = [line.split()[0] for line in tree.partition("```")[2].partition("```")[0].splitlines() if line.strip()]
    files = sorted(f.parent.name + "/" if f.name == "__init__.py" else f.name for f in source.rglob("*.py") if f.parent != source)
    listed = [n for n in named if n.endswith(".py") and "/" not in n] + [n for n in named if n.endswith("/")]
    missing = [f for f in files if files.count(f) > listed.count(f)]
    assert not missing, f"not in the README's tree: {sorted(set(missing))}"
