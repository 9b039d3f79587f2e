"""The recipes for other domains: valid, at equal budgets, and run to their ends on a few prompts of a fake engine."""

import contextlib
import io
from pathlib import Path

import pytest
from fake_run import FakeEngine

import edt_sampling.engines
from edt_sampling.cli import main
from edt_sampling.experiments.measures import measures
from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.tasks import load_task

RECIPES = sorted((Path(__file__).parents[2] / "recipes" / "domains").glob("*.toml"))


def test_there_are_two():
    assert [path.stem for path in RECIPES] == ["code", "creative"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_a_recipe_has_a_curve_equal_budgets_and_a_task_of_ours(path: Path):
    recipe = load_recipe(path)
    budgets = {sum(getattr(p, "temperature", 1) > 0 for p in method.read()) for method in recipe.methods}
    assert budgets == {8}
    assert [m.name for m in recipe.methods][:2] == ["Fixed", "EDT"]
    task = load_task(recipe.task)
    assert len(task.examples(recipe.limit)) == len(task.examples())
    assert measures(recipe.for_task(task.metrics).metrics, samples=recipe.samples)


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_it_runs_to_its_verdict(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(edt_sampling.engines, "load_engine", lambda name, **options: FakeEngine())
    right = "\n"  # how every reference ends, and no text of the fake engine
    monkeypatch.setattr("edt_sampling.metrics.passes.passed", lambda programs, checks, **limits: [p.endswith(right) for p in programs])
    few = ["--model", "bundled", "--limit", "2", "--dev-limit", "2", "--samples", "2"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["compare", "--recipe", str(path), *few, "--run-code", "--out", str(tmp_path)]) == 0
    assert "EDT" in out.getvalue().splitlines()[0]
    assert (next(tmp_path.iterdir()) / "report.html").exists()
