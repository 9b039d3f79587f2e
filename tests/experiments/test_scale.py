"""The effect over models: what is told of each, and a planted change found."""

from __future__ import annotations

import html
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from fake_run import REFERENCE, WORDS, FakeEngine, compare, fake_comparison

from edt_sampling.experiments.recipe_file import load_recipe
from edt_sampling.experiments.scale import ScaleFindings, ScaleRecipe, find_scale
from edt_sampling.policies import Fixed
from edt_sampling.protocol import Completion, Request
from edt_sampling.reports.scale import page
from edt_sampling.store import Reader

PROMPTS = 120


class Dull(FakeEngine):
    """Where its EDT errs at every second word, it writes the same wrong word in every text of a prompt: as many errors, less diversity."""

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        found = super().complete(request, setting, sample)
        if isinstance(request.settings[setting].policy, Fixed):
            return found
        same = WORDS[request.id % len(WORDS)]
        pairs = zip(found.text.split(), REFERENCE.split(), strict=True)
        words = [own if own == right or place % 2 else same for place, (own, right) in enumerate(pairs)]
        return replace(found, text=" ".join(words))


def found(tmp_path: Path, engines: dict[str, FakeEngine]) -> ScaleFindings:
    with ExitStack() as stack:
        readers = []
        for name, engine in engines.items():
            comparison = fake_comparison(PROMPTS, dev=20, model=name)
            compare(comparison, tmp_path / name, engine)
            readers.append(stack.enter_context(Reader(comparison.folder(tmp_path / name))))
        return find_scale(readers)


def engine(parameters: int, kind: type[FakeEngine] = FakeEngine) -> FakeEngine:
    return kind(description={"engine": "fake", "parameters": parameters})


def test_a_planted_change_is_found_and_is_the_difference_of_the_effects(tmp_path):
    findings = found(tmp_path, {"small": engine(10), "twin": engine(10), "dull": engine(99, Dull)})
    assert [point.parameters for point in findings.points] == [10, 10, 99]
    effects = [point.effects[0].effect.mean for point in findings.points]
    assert [change.model for change in findings.changes] == ["twin", "dull"]
    assert [change.difference.mean for change in findings.changes] == pytest.approx([effects[1] - effects[0], effects[2] - effects[0]])
    twin, dull = findings.changes
    assert (twin.difference.mean, twin.adjusted) == (0, 1)
    assert dull.difference.high < 0
    assert dull.adjusted < 0.05
    assert findings.headline.startswith("The effect changes: EDT's on ROUGE-L differs from that on small on dull (-0.")


def test_two_of_a_kind_do_not_differ_and_the_page_says_so(tmp_path):
    findings = found(tmp_path, {"one": engine(10), "other": engine(20)})
    assert findings.headline == (
        "No change detected: EDT's effect on ROUGE-L is the same on all 2 models, as far as 120 test prompts can tell."
    )
    shown = page(findings)
    assert shown == page(findings)
    assert html.escape(findings.headline.partition(": ")[2], quote=True).replace("&#x27;", "&#39;") in shown
    assert "http" not in shown.replace("http://www.w3.org", "")


def test_other_test_prompts_are_refused(tmp_path):
    sizes, readers = {"one": 6, "other": 5}, []
    with ExitStack() as stack:
        for name, size in sizes.items():
            comparison = fake_comparison(size, dev=20, model=name)
            compare(comparison, tmp_path / name)
            readers.append(stack.enter_context(Reader(comparison.folder(tmp_path / name))))
        with pytest.raises(ValueError, match=r"^models one and other have other test prompts: compare them on the same ones$"):
            find_scale(readers)


def test_each_model_has_the_comparison_that_edt_compare_runs():
    recipe = load_recipe(kind=ScaleRecipe, models=["a", "b"], limit=7)
    first, second = recipe.of_each()
    assert (first.model, second.model, first.limit) == ("a", "b", 7)
    assert first == load_recipe(model="a", limit=7)
    with pytest.raises(ValueError, match="models"):
        load_recipe(kind=ScaleRecipe, models=["a"])
