"""What makes two comparisons the same run, which examples they take, and how one grows."""

from pathlib import Path
from typing import Any

import pytest
from fake_run import METHODS, FakeEngine, FakeTask, compare, exported, fake_comparison

from edt_sampling.experiments.comparison import Comparison, make_comparison, request_id
from edt_sampling.experiments.find import find
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.store import Reader, StoreError
from edt_sampling.tasks import Example


class Printed(FakeTask):
    """A task whose fingerprint is its name."""

    @property
    def fingerprint(self) -> str:
        return self.name


def content(*, dev: str = "a", test: str = "b", model: str = "m") -> str:
    recipe = fake_comparison().recipe
    return make_comparison(recipe, dev=Printed(name=dev, split="dev"), test=Printed(name=test), model_fingerprint=model).content


@pytest.mark.parametrize(
    "same",
    [{"limit": 2}, {"until": 0.01}, {"metrics": ["bleu", "self_bleu"]}, {"model": "elsewhere"}, {"task": "elsewhere"}, {"device": "cpu"},
     {"threads": 4}, {"cache_bytes": 10**9}],
)  # fmt: skip
def test_what_decides_no_text_does_not_tell_runs_apart(same: dict[str, Any]):
    assert fake_comparison(**same).content == fake_comparison().content


@pytest.mark.parametrize(
    "other",
    [{"dev_limit": 3}, {"samples": 3}, {"seeds": [1]}, {"filters": "top_k=5"}, {"max_new_tokens": 9}, {"stop": ["."]}, {"dtype": "float32"},
     {"chat": True}, {"methods": [*METHODS, {"name": "UDT", "policies": ["udt:t0=1,theta=1"]}]}, {"methods": METHODS[::-1]}],
)  # fmt: skip
def test_what_decides_the_texts_tells_runs_apart(other: dict[str, Any]):
    assert fake_comparison(**other).content != fake_comparison().content


def test_models_and_splits_count_by_their_contents():
    base = content()
    assert content() == base
    assert len({base, content(model="n"), content(dev="c"), content(test="c"), content(dev="b", test="a")}) == 5


def test_limits_count_prompts_and_until_takes_all_there_are():
    comparison = fake_comparison(9, dev=6, limit=4, dev_limit=3)
    assert ([e.id for e in comparison.dev], len(comparison.test)) == (["dev0", "dev1", "dev2"], 4)
    assert len(fake_comparison(9, limit=4, until=0.1).test) == 9


def made(dev: FakeTask, test: FakeTask) -> Comparison:
    return make_comparison(Recipe.model_validate({"methods": METHODS}), dev=dev, test=test, model_fingerprint="fake")


class Twice(FakeTask):
    def read(self, limit: int | None) -> list[Example]:
        return super().read(1) * 2


@pytest.mark.parametrize(
    ("dev", "test", "told"),
    [
        (FakeTask(5, split="x"), FakeTask(5, split="x"), "task fake: example 'x0' stands in dev and in test"),
        (Twice(split="dev"), FakeTask(), "task fake: two examples of dev have the id 'dev0'"),
        (FakeTask(split="dev"), Twice(), "task fake: two examples of test have the id 'test0'"),
        (FakeTask(1, split="dev"), FakeTask(), "task fake: dev must hold two examples or more, got 1"),
        (FakeTask(split="dev"), FakeTask(0), "task fake: test must hold two examples or more, got 0"),
    ],
)
def test_examples_that_judge_nothing_are_refused(dev: FakeTask, test: FakeTask, told: str):
    with pytest.raises(ValueError, match="task fake") as error:
        made(dev, test)
    assert str(error.value) == told


def test_request_ids_depend_on_the_example_alone():
    assert request_id("x") == request_id("x") != request_id("y")
    assert 0 <= request_id("numpy.linalg:solve") < 2**63


def test_more_prompts_go_on_in_the_same_run_and_make_it_a_sequential_one(tmp_path: Path):
    few, more = fake_comparison(6, limit=3), fake_comparison(6, limit=6)
    compare(few, tmp_path)
    with Reader(few.folder(tmp_path)) as reader:
        assert not find(reader).sequential
    ran = compare(more, tmp_path)
    assert ran == [(stage, unit) for stage in ("forced-test", "test", "shuffled") for unit in (3, 4, 5)]
    with Reader(few.folder(tmp_path)) as reader:
        assert [(look.prompts, look.sequential) for look in reader.looks()] == [(3, False), (6, False)]
        grown = find(reader)
        assert (grown.test_prompts, grown.sequential) == (6, True)
    compare(more, tmp_path / "at once")
    assert texts(more, tmp_path) == texts(more, tmp_path / "at once")
    with Reader(more.folder(tmp_path / "at once")) as reader:
        once = find(reader)
    assert once.effects[0].effect.mean == grown.effects[0].effect.mean  # type: ignore[union-attr]
    assert not once.sequential


def texts(comparison: Comparison, out: Path) -> list[str]:
    return [line for line in exported(comparison, out).splitlines() if not line.startswith('{"kind": "run"')]


def test_asking_again_for_the_same_prompts_is_no_further_look(tmp_path: Path):
    comparison = fake_comparison(3)
    compare(comparison, tmp_path)
    compare(comparison, tmp_path)
    with Reader(comparison.folder(tmp_path)) as reader:
        assert len(reader.looks()) == 1
        assert not find(reader).sequential


def test_fewer_prompts_than_the_run_holds_are_refused_with_a_way_out(tmp_path: Path):
    compare(fake_comparison(6), tmp_path)
    with pytest.raises(StoreError, match=r"holds 6 test prompts already; give --limit 6 or more, or --out another folder$"):
        compare(fake_comparison(6, limit=4), tmp_path)


class Stopping(FakeEngine):
    def generate(self, requests):  # type: ignore[no-untyped-def]
        if len(self.asked) == 6:  # four of dev, two of test
            raise KeyboardInterrupt
        return super().generate(requests)


def test_fewer_prompts_than_were_begun_are_refused_too(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        compare(fake_comparison(6), tmp_path, Stopping())
    with pytest.raises(StoreError, match="holds 6 test prompts already"):
        compare(fake_comparison(6, limit=4), tmp_path)


def test_until_finishes_what_an_earlier_start_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edt_sampling.experiments.compare.FIRST_LOOK", 3)
    monkeypatch.setattr("edt_sampling.experiments.compare.LOOK", 1)
    with pytest.raises(KeyboardInterrupt):
        compare(fake_comparison(6), tmp_path, Stopping())
    compare(fake_comparison(6, until=9.0), tmp_path)
    with Reader(fake_comparison(6).folder(tmp_path)) as reader:
        assert [look.prompts for look in reader.looks()] == [3, 4, 5, 6]
        assert find(reader).test_prompts == 6
