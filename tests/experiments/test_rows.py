"""The table's numbers against ones worked out by hand."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import FakeEngine, FakeTask, fake_comparison
from fake_scores import around, fixed, scored_of, setting

from edt_sampling.experiments.choice import aim
from edt_sampling.experiments.comparison import make_comparison
from edt_sampling.experiments.findings import Row
from edt_sampling.experiments.measures import measures
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.rows import band, rows
from edt_sampling.experiments.run import decode
from edt_sampling.experiments.score import joined, score
from edt_sampling.experiments.scored import scored_dev
from edt_sampling.experiments.stages import dev_stage
from edt_sampling.metrics.eda import Eda
from edt_sampling.protocol import Completion, Request, Trace
from edt_sampling.store import Reader
from edt_sampling.tasks import Example

TEXTS = {  # (prompt, whether greedy): its two samples; the references are "a b c d" and "e f g h"
    ("p", True): ["a b c d", "a b c d"],
    ("q", True): ["e f x y", "e f x y"],
    ("p", False): ["a b c d", "w x y z"],
    ("q", False): ["e f g h", "i j k l"],
}
METHODS = [
    {"name": "Fixed", "policies": ["fixed:temperature=0", "fixed:temperature=0.5", "fixed:temperature=1"]},
    {"name": "EDT", "policies": ["edt:t0=1,theta=1"]},
]


class TinyTask(FakeTask):
    def read(self, limit: int | None) -> list[Example]:
        if self.split == "test":
            return super().read(limit)
        return [Example(id="p", prompt="p", references=("a b c d", "zz")), Example(id="q", prompt="q", references=("e f g h",))]


class TinyEngine(FakeEngine):
    def generate(self, requests: Sequence[Request]) -> Iterator[list[Completion]]:
        for request in requests:
            yield [self._text(request, setting, k) for setting in range(len(request.settings)) for k in range(2)]

    def _text(self, request: Request, setting: int, k: int) -> Completion:
        n = (1, 3)[k]
        trace = Trace(tokens=np.arange(n), entropy=np.full(n, 1.0 + k), temperature=np.full(n, 0.5 * k), probability=np.ones(n))
        text = TEXTS[str(request.prompt), setting == 0][k]
        return Completion(request=request.id, setting=setting, sample=k, text=text, finish="length" if k else "end", trace=trace)


def dev_rows(out: Path, eda: Eda | None = None, **fields: Any) -> list[Row]:
    recipe = Recipe.model_validate({"methods": METHODS, "samples": 2, **fields})
    comparison = make_comparison(recipe, dev=TinyTask(split="dev"), test=TinyTask(), model_fingerprint="tiny")
    with comparison.writer(out) as writer, Reader(writer.path) as reader:
        list(decode(dev_stage(comparison), engine=TinyEngine(), writer=writer))
        dev = scored_dev(reader, measures(comparison.recipe.metrics, samples=2))
        return rows(dev, eda or aim(dev.settings, dev.scores.values["rouge_l"].mean(axis=0)))


def test_numbers_by_hand(tmp_path: Path):
    greedy, warm = ({name: e.mean for name, e in row.values.items()} for row in dev_rows(tmp_path)[:2])
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


def test_eda_aims_where_it_is_told_and_not_at_the_rows_own_greedy(tmp_path: Path):
    greedy, warm = dev_rows(tmp_path, Eda(target=1.0))[:2]
    assert greedy.values["eda_quality"].mean == pytest.approx(25)
    assert warm.values["eda"].mean == pytest.approx(50)


def test_intervals_hold_the_mean_and_are_the_prompts(tmp_path: Path):
    greedy, warm, *_ = dev_rows(tmp_path)
    rouge = greedy.values["rouge_l"]
    assert (rouge.low, rouge.high) == (0.5, 1.0)  # prompts score 1 and .5: a quarter of all resamples are one of them twice
    assert (warm.values["rouge_l"].low, warm.values["rouge_l"].high) == (0.5, 0.5)
    assert (greedy.values["eda"].low, greedy.values["eda"].high) == (75, pytest.approx((100**2 / 9 + 75**2) ** 0.5))


def test_a_column_that_is_undefined_for_a_prompt_has_no_interval():
    undefined = np.array([[0.5, np.nan, np.nan], [0.7, 0.3, np.nan]])
    test = scored_of(
        [fixed(0.3), fixed(1), setting("EDT", "edt:t0=1,theta=1", "chosen")], *[np.array([[0.5, 0.4, 0.3], [0.6, 0.2, 0.4]])] * 2
    )
    test.scores.values["distinct_2"] = undefined
    test.columns.insert(1, "distinct_2")  # type: ignore[attr-defined]
    first, second, third = rows(test, Eda(target=1.0))
    assert (first.values["distinct_2"].mean, first.values["distinct_2"].low) == (pytest.approx(0.6), None)
    assert second.values["distinct_2"].mean == pytest.approx(0.3)
    assert "distinct_2" not in third.values
    assert third.values["rouge_l"].low is not None


def test_chosen_metrics_are_the_columns_in_their_order(tmp_path: Path):
    first = dev_rows(tmp_path, metrics=["self_bleu", "bleu:tokenizer=char", "rouge_l", "distinct_n:n=1"])[0]
    assert list(first.values) == ["self_bleu", "bleu", "rouge_l", "distinct_1", "truncated", "temperature", "entropy"]


def test_rows_say_what_they_are(tmp_path: Path):
    found = dev_rows(tmp_path)
    assert [(r.stage, r.method, r.policy, r.role) for r in found] == [
        ("dev", "Fixed", "fixed:temperature=0", "greedy"),
        ("dev", "Fixed", "fixed:temperature=0.5", "fixed"),
        ("dev", "Fixed", "fixed:temperature=1", "fixed"),
        ("dev", "EDT", "edt:t0=1,theta=1", "candidate"),
    ]
    assert {r.filters for r in found} == {"temperature,top_p=0.95"}


def test_a_candidates_row_on_dev_has_the_effect_that_it_was_chosen_by():
    settings = [fixed(0.3), fixed(1), *(setting("EDT", f"edt:t0={t},theta=1", "candidate") for t in (0.5, 1))]
    dev = scored_of(settings, around([0.6, 0.2, 0.5, 0.9]), around([0.5, 0.1, 0.3, 0.7], seed=1))
    found = rows(dev, Eda(target=1.0))
    assert [r.values.get("effect") is None for r in found] == [True, True, False, True], "off the curve there is none"
    assert found[2].values["effect"].mean == pytest.approx(0.1)


def test_the_band_runs_from_end_to_end_and_through_the_nodes():
    settings = [fixed(0, "greedy"), fixed(0.3), fixed(0.6, "baseline"), fixed(1), setting("EDT", "edt:t0=1,theta=1", "chosen")]
    test = scored_of(settings, around([0.9, 0.6, 0.58, 0.2, 0.4], sd=0.05), around([1, 0.5, 0.3, 0.1, 0.2], sd=0.01, seed=1))
    points = band(test)
    assert [p.diversity for p in points] == pytest.approx(np.linspace(0.1, 0.5, 41).tolist())
    assert [points[i].quality.mean for i in (0, 20, 40)] == pytest.approx([0.2, 0.58, 0.6])
    for point in points:
        assert point.quality.low < point.quality.mean < point.quality.high  # type: ignore[operator]
    assert all(a.quality.mean < b.quality.mean for a, b in pairwise(points))


def test_scores_are_by_prompt_and_setting_and_may_come_in_parts(tmp_path: Path):
    comparison = fake_comparison(2, dev=4, seeds=[0, 1])
    with comparison.writer(tmp_path) as writer, Reader(writer.path) as reader:
        list(decode(dev_stage(comparison), engine=FakeEngine(), writer=writer))
        metrics = measures(["length", "rouge_l", "self_bleu"], samples=2)
        whole = score(reader, "dev", metrics)
        words = np.array([len(g.text.split()) for g in reader.generations("dev")]).reshape(4, 7, 4).mean(axis=2)
        parts = joined(
            [score(reader, "dev", metrics, stop=1), score(reader, "dev", metrics, start=1, stop=3), score(reader, "dev", metrics, start=3)]
        )
        with pytest.raises(ValueError, match="no prompt of dev is complete yet"):
            score(reader, "dev", metrics, start=4)
    assert np.array_equal(whole.values["length"], words)
    assert (whole.prompts, parts.prompts) == (4, 4)
    assert whole.signatures == parts.signatures
    for name, values in whole.values.items():
        assert np.array_equal(values, parts.values[name]), name
