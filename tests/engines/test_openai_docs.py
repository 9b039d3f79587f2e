"""docs/engines/openai.md, its Python run to the letter."""

import re
import sys
from inspect import signature
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from openai_server import serving

from edt_sampling.engines.openai import load

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "openai.md"


def test_the_page_s_python_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for name in ("http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(models=[{"id": "my-model"}]) as served:
        monkeypatch.setenv(
            "HTTP_PROXY", served.url.removesuffix("/v1")
        )  # the page's server is asked through this one, which answers itself
        exec(compile(block, str(PAGE), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert [line.split()[0] for line in lines] == ["fixed:temperature=0.7"] * 4 + ["edt:t0=0.8,theta=0.2"] * 4


def test_the_page_s_options_and_their_defaults_are_those_of_load():
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    known = signature(load).parameters
    assert list(told) == list(known)
    assert {name: told[name] for name in ("concurrency", "timeout", "retries")} == {
        name: f"{known[name].default}" for name in ("concurrency", "timeout", "retries")
    }
    assert (told["plugin"], known["plugin"].default) == ("`auto`", "auto")
