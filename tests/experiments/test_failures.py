"""Failure cases are picked by rule: known texts, and a run whose texts are known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import FakeEngine, compare, fake_comparison

from edt_sampling.experiments.contrasts import opponents
from edt_sampling.experiments.failures import RULES, failures, most_repeated
from edt_sampling.metrics import load
from edt_sampling.store import Reader, StoreError

LOOP = "and so on and so on and so on and so on"


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("", 0),
        ("one two three", 0),
        ("one two three four", 1),
        ("a a a a a a a", 4),
        (LOOP, 3),
        (f"{LOOP} and", 4),
        ("a b c d\na  b c d", 2),
    ],
)
def test_the_most_frequent_four_words_are_counted_with_overlaps(text: str, times: int):
    words = text.split()
    fours = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    assert most_repeated(text) == times == max(map(fours.count, fours), default=0)


class Failing(FakeEngine):
    """The subject's first sample of prompt 1 loops and of prompt 2 is blank; else the texts are the usual ones."""

    def complete(self, request: Any, setting: int, sample: int) -> Any:
        found = super().complete(request, setting, sample)
        if sample == 0 and request.settings[setting].policy.name == "edt":
            text = {"prompt 1": f"{LOOP} and so on", "prompt 2": " \n"}.get(request.prompt, found.text)
            return type(found)(**found.__dict__ | {"text": text})
        return found


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    out, comparison = tmp_path_factory.mktemp("run"), fake_comparison(5, dev=2, metrics=["rouge_l", "self_bleu"])
    compare(comparison, out, Failing())
    with Reader(comparison.folder(out)) as found:
        yield found


def different(reader: Reader) -> list[int]:
    """The first of each different setting."""
    settings = reader.settings("test")
    return [i for i, s in enumerate(settings) if (s.policy, s.filters) not in [(t.policy, t.filters) for t in settings[:i]]]


@pytest.mark.parametrize(("rule", "prompt"), [("repetitive", "test1"), ("empty", "test2")])
def test_loops_and_blank_texts_are_found_and_counted_by_setting(reader: Reader, rule: str, prompt: str):
    found = failures(reader, rule, limit=10)
    edt = [s for s in found.shares if s.policy.startswith("edt:")]
    assert {f.example for f in found.picked} == {prompt}
    assert [(f.policy, f.sample) for f in found.picked] == [(s.policy, 0) for s in edt]
    assert {(s.failed, s.texts) for s in edt} == {(1, 10)}
    assert {s.failed for s in found.shares if s not in edt} == {0}
    assert len(found.shares) == len(different(reader)), "a setting that is chosen and tuned counts once"
    assert all(f.score == 4.0 and f.text.startswith(LOOP) for f in found.picked) or rule == "empty"


def test_truncated_and_uncertain_texts_are_those_of_the_store(reader: Reader):
    stored = [g for i in different(reader) for g in reader.generations("test", setting=i)]
    cut = failures(reader, "truncated", limit=1000)
    assert len(cut.picked) == sum(g.finish == "length" for g in stored) == sum(s.failed for s in cut.shares) > 0
    hot = failures(reader, "uncertain", limit=3)
    assert [f.score for f in hot.picked] == sorted((g.mean_entropy for g in stored), reverse=True)[:3]
    assert hot.shares == ()


def test_the_worst_prompts_are_those_of_the_largest_loss(reader: Reader):
    fixed, subject = opponents(reader.settings("test"))
    metric, examples = load("rouge_l")(), reader.examples("test")

    def texts(setting: int, unit: int) -> Sequence[str]:
        return [g.text for g in reader.generations("test", setting=setting, start=unit, stop=unit + 1)]

    def value(setting: int, unit: int) -> Any:
        return metric.scores(texts(setting, unit), [examples[unit].references] * 2)

    losses = {u: float(np.mean(value(subject, u)) - np.mean(value(fixed, u))) for u in range(5)}
    expected = sorted((loss, u) for u, loss in losses.items() if loss < 0)
    found = failures(reader, "worst", limit=2)
    assert [f.example for f in found.picked] == [f"test{u}" for _, u in expected[:2]]
    for picked, (loss, unit) in zip(found.picked, expected, strict=False):
        assert picked.score == pytest.approx(loss)
        assert picked.text == texts(subject, unit)[int(np.argmin(value(subject, unit)))]
    assert "less" in found.told
    assert found.unit == "ROUGE-L"


def test_what_cannot_be_picked_is_told(reader: Reader, tmp_path: Path):
    with pytest.raises(ValueError, match="rule must be one of worst, repetitive, empty, truncated, uncertain, got 'bad'"):
        failures(reader, "bad", limit=1)
    comparison = fake_comparison(3)
    with (
        comparison.writer(tmp_path),
        Reader(comparison.folder(tmp_path)) as empty,
        pytest.raises(StoreError, match="no test prompt that is done"),
    ):
        failures(empty, "worst", limit=1)
    assert all(rule.told for rule in RULES.values())
