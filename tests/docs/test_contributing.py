"""The recipes of CONTRIBUTING.md, carried out: once as files of ours with a line in the table, once as another package's plug-ins."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from markdown_pages import ROOT, blocks

import edt_sampling as edt
from edt_sampling.engines import ENGINES, load_engine
from edt_sampling.experiments.measures import measures
from edt_sampling.metrics import METRICS, load
from edt_sampling.policies import POLICIES
from edt_sampling.protocol import Engine
from edt_sampling.tasks import TASKS, load_task

PAGE = ROOT / "CONTRIBUTING.md"
PYTHON = [b for b in blocks(PAGE) if b.language == "python"]
FILES = {m[1]: b.text for b in PYTHON if (m := re.fullmatch(r"`([\w/.-]+\.py)`:", b.above))}
TABLES = {"policies": POLICIES, "tasks": TASKS, "metrics": METRICS, "engines": ENGINES}
ROOMS = ("policies", "tasks", "metrics")
"""Those with a recipe."""


def lines_of_tables() -> dict[str, dict[str, str]]:
    """What the page adds to each table, by room: the blocks under "The line in the table"."""
    found = {}
    for block in blocks(PAGE):
        if line := re.fullmatch(r"The line in the table `(\w+)`.* in `src/edt_sampling/(\w+)/(\w+)\.py`:", block.above):
            variable, room, file = line.groups()
            module = importlib.import_module(f"edt_sampling.{room}.{file}".removesuffix(".__init__"))
            assert getattr(module, variable) is TABLES[room]
            found[room] = ast.literal_eval("{" + block.text + "}")
    return found


@pytest.fixture
def as_built_in(monkeypatch, tmp_path):
    """The page's modules under their own names, and its lines in the tables; all of it is undone afterwards."""
    for path, text in FILES.items():
        if path.startswith("src/"):
            name = ".".join(Path(path).with_suffix("").parts[1:])
            file = tmp_path / Path(path).name
            file.write_text(text)
            spec = importlib.util.spec_from_file_location(name, file)
            monkeypatch.setitem(sys.modules, name, module := importlib.util.module_from_spec(spec))
            spec.loader.exec_module(module)
    for room, entries in lines_of_tables().items():
        for name, path in entries.items():
            assert name not in TABLES[room].built_in
            monkeypatch.setitem(TABLES[room].built_in, name, path)


def test_the_page_has_three_recipes_with_their_tests():
    rooms = [(Path(path).parts[0], Path(path).parent.name) for path in FILES]
    assert sorted(rooms) == sorted((top, room) for top in ("src", "tests") for room in ROOMS)
    assert lines_of_tables().keys() == set(ROOMS)
    assert len(PYTHON) == len(FILES), "a python block that no test carries out"
    assert not [path for path in FILES if (ROOT / path).exists()]


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("tests/")])
def test_the_recipes_own_tests_pass(path, as_built_in):
    namespace = {"__name__": Path(path).stem}
    exec(compile(FILES[path], path, "exec"), namespace)
    functions = [f for name, f in namespace.items() if name.startswith("test_")]
    assert len(functions) >= 2
    for function in functions:
        assert not inspect.signature(function).parameters
        function()


def test_the_policy_draws(as_built_in):
    rows = np.log([[0.99, 0.01], [0.5, 0.5]])
    drawn = edt.draw(rows, "gate:at=0.5,high=2", uniform=[0.999, 0.999])
    assert drawn.token.tolist() == [0, 1]
    assert drawn.temperature.tolist() == [0.0, 2.0]


def test_the_metric_is_one_of_a_recipe(as_built_in):
    metric, _ = measures(["contains:case=mixed", "self_bleu"], samples=5)
    assert metric.signature == "contains|case:mixed|refs:any"
    with pytest.raises(AttributeError):
        metric.case = "lower"


@pytest.fixture
def as_plug_in(monkeypatch, tmp_path):
    """A package as pip would leave it, from the page's TOML and the same modules; returns its entry points by group."""
    (toml,) = [b.text for b in blocks(PAGE) if b.language == "toml"]
    project = tomllib.loads(toml)["project"]
    package = tmp_path / project["name"].replace("-", "_")
    package.mkdir()
    (package / "__init__.py").touch()
    for path, text in FILES.items():
        if path.startswith("src/"):
            (package / Path(path).name).write_text(text)
    (package / "engine.py").write_text("def load(**options):\n    return options\n")
    metadata = tmp_path / f"{package.name}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    sections = [f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in entries.items()) for group, entries in project["entry-points"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(sections))
    monkeypatch.syspath_prepend(tmp_path)
    yield project["entry-points"]
    for name in [m for m in sys.modules if m.partition(".")[0] == package.name]:
        del sys.modules[name]


def test_the_same_code_works_as_a_plug_in(as_plug_in):
    assert as_plug_in.keys() == {table.group for table in TABLES.values()}
    assert edt.temperature(np.zeros(2), "gate:at=0.5,high=1") == 1
    assert type(edt.policy("gate:at=0.5,high=1")).__module__ == "my_sampling.gate"
    assert len(load_task("capitals").examples()) == 3
    assert load("contains")().signature == "contains|case:lower|refs:any"
    assert load_engine("mine", model="x") == {"model": "x"}


def test_the_engines_contract_is_the_protocols():
    (paragraph,) = re.findall(r"An engine's entry.*?`protocol.py`: (.*?)\. ", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert set(re.findall(r"`(\w+)`", paragraph)) == {name for name in vars(Engine) if not name.startswith("_")}
