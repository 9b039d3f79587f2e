"""The summary's numbers against ones worked out by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import FakeEngine, FakeTask, decode, fake_plan

from edt_sampling.experiments.measures import check, measures
from edt_sampling.experiments.plan import make_plan
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.score import score
from edt_sampling.experiments.sensitivity import expected, observed, paired_sd
from edt_sampling.experiments.summary import Summary, summarise
from edt_sampling.protocol import Completion, Request, Trace
from edt_sampling.store import Reader
from edt_sampling.tasks import Example

TEXTS = {  # (prompt, setting): its two samples; the references are "a b c d" and "e f g h"
    ("p", 0): ["a b c d", "a b c d"],
    ("q", 0): ["e f x y", "e f x y"],
    ("p", 1): ["a b c d", "w x y z"],
    ("q", 1): ["e f g h", "i j k l"],
}


class TinyTask(FakeTask):
    def read(self, limit: int | None) -> list[Example]:
        return [Example(id="p", prompt="p", references=("a b c d", "zz")), Example(id="q", prompt="q", references=("e f g h",))]


@dataclass
class TinyEngine(FakeEngine):
    fingerprint: str = "tiny"
    lengths: dict[int, int] = field(default_factory=lambda: {0: 1, 1: 3})

    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        for request in requests:
            yield [self._text(request, setting, k) for setting in range(2) for k in range(2)]

    def _text(self, request: Request, setting: int, k: int) -> Completion:
        n = self.lengths[k]
        trace = Trace(tokens=np.arange(n), entropy=np.full(n, 1.0 + k), temperature=np.full(n, 0.5 * k), probability=np.ones(n))
        text = TEXTS[str(request.prompt), setting][k]
        return Completion(request=request.id, setting=setting, sample=k, text=text, finish="length" if k else "end", trace=trace)


def summary_of(tmp_path: Path, **fields: Any) -> Summary:
    methods = [{"name": "m", "policies": ["fixed:temperature=0", "fixed:temperature=1"]}]
    recipe = Recipe.model_validate({"methods": methods, "samples": 2, **fields})
    plan = make_plan(recipe, task=TinyTask(), model_fingerprint="tiny")
    decode(plan, tmp_path, TinyEngine())
    with Reader(plan.folder(tmp_path)) as reader:
        return summarise(reader)


def test_numbers_by_hand(tmp_path: Path):
    summary = summary_of(tmp_path)
    greedy, warm = ({name: e.mean for name, e in row.values.items()} for row in summary.rows)
    # ROUGE-L F1: p 1 and 1, q 2/4 and 2/4 -> .75; p 1 and 0, q 1 and 0 -> .5
    assert greedy["rouge_l"] == pytest.approx(0.75)
    assert warm["rouge_l"] == pytest.approx(0.5)
    assert greedy["self_bleu"] == pytest.approx(1)
    assert warm["self_bleu"] == pytest.approx(0)
    # two equal texts of four words: 3 different bigrams of 6; two of no common word: 6 of 6
    assert greedy["distinct_2"] == pytest.approx(0.5)
    assert warm["distinct_2"] == pytest.approx(1)
    # R = .75: greedy has no quality term and all of the diversity term, 100 * .75; the other the reverse, 100 * .25 / .75
    assert (greedy["eda"], greedy["eda_quality"], greedy["eda_diversity"]) == pytest.approx((75, 0, 75))
    assert (warm["eda"], warm["eda_quality"], warm["eda_diversity"]) == pytest.approx((100 / 3, 100 / 3, 0))
    assert greedy["length"] == 4
    assert greedy["truncated"] == 0.5
    # samples of 1 and 3 tokens at T = 0 and .5, H = 1 and 2
    assert greedy["temperature"] == pytest.approx(0.375)
    assert greedy["entropy"] == pytest.approx(1.75)


def test_intervals_hold_the_mean_and_are_the_prompts(tmp_path: Path):
    greedy, warm = summary_of(tmp_path).rows
    rouge = greedy.values["rouge_l"]
    assert (rouge.low, rouge.high) == (0.5, 1.0)  # prompts score 1 and .5: a quarter of all resamples are one of them twice
    assert (warm.values["rouge_l"].low, warm.values["rouge_l"].high) == (0.5, 0.5)
    assert greedy.values["distinct_2"].low is None


def test_signatures_say_where_the_aim_comes_from(tmp_path: Path):
    assert "R:0.75|" in summary_of(tmp_path).signatures["eda"]
    assert summary_of(tmp_path).signatures["eda"].endswith("|Q:rouge_l|R from:greedy in this run")
    other = summary_of(tmp_path, methods=[{"name": "m", "policies": ["fixed:temperature=1", "fixed:temperature=2"]}])
    assert other.signatures["eda"].endswith("R from:the best setting of this run")


def test_chosen_metrics_are_the_columns(tmp_path: Path):
    summary = summary_of(tmp_path, metrics=["bleu:tokenizer=char", "distinct_n:n=1", "rouge_l:stem=true"])
    assert list(summary.rows[0].values) == ["bleu", "distinct_1", "rouge_l", "truncated", "temperature", "entropy"]
    assert "tok:char" in summary.signatures["bleu"]
    assert "stem:yes" in summary.signatures["rouge_l"]
    assert summary.rows[0].values["bleu"].low is not None, "the first metric that reads references is the quality"
    assert summary.rows[0].values["rouge_l"].low is None


def test_scores_are_by_prompt_and_setting(tmp_path: Path):
    plan = fake_plan(4, seeds=[0, 1])
    decode(plan, tmp_path)
    with Reader(plan.folder(tmp_path)) as reader:
        (metric,) = measures(["length"], samples=2)
        scores = score(reader, [metric])
        words = np.array([len(g.text.split()) for g in reader.generations()]).reshape(4, 3, 4).mean(axis=2)
    assert np.array_equal(scores.values["length"], words)


@pytest.mark.parametrize(
    ("specs", "samples", "told"),
    [
        (["rouge"], 5, "did you mean 'rouge_l'"),
        (["rouge_l", "eda"], 5, "eda needs self_bleu"),
        (["rouge_l", "rouge_l"], 5, "each may stand once"),
        (["self_bleu"], 1, "k, the outputs of a prompt, must be 2 or more"),
        (["bleu:tok=zh"], 5, "'tok' is not one of its parameters: tokenizer"),
        (["self_bleu:k=3"], 5, "'k' is not one of its parameters"),
        (["distinct_n:n=0"], 5, "n must be 1 or more"),
    ],
)
def test_bad_metrics_are_named(specs: list[str], samples: int, told: str):
    with pytest.raises(ValueError, match="metric") as error:
        measures(specs, samples=samples)
    assert told in str(error.value)


def test_a_metric_that_cannot_read_the_references_says_so_before_the_run():
    with pytest.raises(ValueError, match="ROUGE-L drops"):
        check(measures(["rouge_l"], samples=5), [["\u4f60\u597d"]])


def test_sensitivity():
    assert "100 prompts could detect: 0.0210" in expected(100)
    values = np.array([[0.0, 0.1, 0.5], [0.2, 0.1, 0.7], [0.4, 0.1, 0.9]])  # differences between columns: sd .2, 0 and .2
    assert paired_sd(values) == pytest.approx(0.2)
    assert "0.200" in observed(values, "rouge_l")
    assert "no paired difference" in observed(values[:, :1], "rouge_l")
    assert "tell nothing of a difference" in observed(values[:, [1, 1]], "rouge_l")
