"""With ``until``, prompts are added until each effect is seen, or known well enough, or there are no more."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_run import REFERENCE, FakeEngine, compare, exported, fake_comparison

from edt_sampling.experiments.comparison import Comparison
from edt_sampling.experiments.effects import effects
from edt_sampling.experiments.find import find
from edt_sampling.experiments.findings import Estimate, Findings
from edt_sampling.protocol import Completion, Request
from edt_sampling.store import Reader

METHODS = [
    {"name": "Fixed", "policies": ["fixed:temperature=0.3", "fixed:temperature=0.6", "fixed:temperature=1"]},
    {"name": "EDT", "policies": ["edt:t0=0.55,theta=1"]},  # the heat of T 0.44
]


class Shifted(FakeEngine):
    """EDT draws as T 0.44 does, with random numbers of its own. All texts end in so many set words, right in EDT's and wrong in others'."""

    def __init__(self, better: int = 0) -> None:
        super().__init__()
        self.better = better

    def complete(self, request: Request, setting: int, sample: int) -> Completion:
        fixed = request.settings[setting].policy.name == "fixed"
        apart = request if fixed else replace(request, id=request.id ^ 1)
        found = super().complete(apart, setting, sample)
        kept = 7 - self.better
        last = ["wrong"] * self.better if fixed else REFERENCE.split()[kept:]
        return replace(found, request=request.id, text=" ".join(found.text.split()[:kept] + last))


@pytest.fixture(autouse=True)
def _early_and_quick_looks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edt_sampling.experiments.compare.FIRST_LOOK", 20)
    monkeypatch.setattr("edt_sampling.experiments.compare.LOOK", 10)
    monkeypatch.setattr("edt_sampling.experiments.compare.effects", partial(effects, resamples=500))


def comparison(size: int = 60, until: float | None = 0.001) -> Comparison:
    return fake_comparison(size, dev=5, methods=METHODS, metrics=["rouge_l", "self_bleu"], limit=10, until=until)


def ended(out: Path, **fields: Any) -> tuple[list[int], Findings]:
    """The looks, and what was found."""
    with Reader(comparison(**fields).folder(out)) as reader:
        found = find(reader)
        assert [look.prompts for look in reader.looks()][-1] == found.test_prompts
        for stage in ("test", "forced-test", "shuffled"):
            assert len(reader.done(stage)) == found.test_prompts
        assert all(look.sequential for look in reader.looks())
        return [look.prompts for look in reader.looks()], found


def test_a_large_effect_ends_it_early_and_says_so(tmp_path: Path):
    told: list[str] = []
    compare(comparison(), tmp_path, Shifted(better=2), tell=told.append)
    looks, found = ended(tmp_path)
    assert looks[-1] < 60
    assert looks == list(range(20, looks[-1] + 1, 10))
    assert found.effects[0].call == "better"
    assert found.headline.startswith("EDT helps here")
    assert found.sequential
    assert told[-2] == f"{looks[-1]} test prompts: nothing left to see"


def test_with_nothing_to_see_it_goes_on_to_the_end_of_the_task(tmp_path: Path):
    told: list[str] = []
    compare(comparison(size=45), tmp_path, Shifted(), tell=told.append)
    looks, found = ended(tmp_path, size=45)
    assert looks == [20, 30, 40, 45], "past the limit of 10 prompts"
    assert found.effects[0].call == "no difference detected"
    assert found.sequential
    widths = [float(line.split("\N{PLUS-MINUS SIGN}")[1].split(",")[0]) for line in told[2:-2]]
    assert told[-2] == "these were all test prompts that there are"
    assert len(widths) == 4
    assert widths[-1] == pytest.approx((found.effects[0].effect.high - found.effects[0].effect.low) / 2, abs=1e-4)  # type: ignore[union-attr, operator]


def test_with_nothing_to_see_it_ends_where_the_width_is_reached(tmp_path: Path):
    compare(comparison(until=0.155), tmp_path, Shifted())
    looks, found = ended(tmp_path)
    assert 20 < looks[-1] < 60
    effect: Any = found.effects[0].effect
    assert found.effects[0].call == "no difference detected"
    assert (effect.high - effect.low) / 2 <= 0.155


def test_what_cannot_be_compared_is_not_waited_for(tmp_path: Path):
    class Beyond(FakeEngine):
        """EDT writes the same text every time."""

        def complete(self, request: Request, setting: int, sample: int) -> Completion:
            found = super().complete(request, setting, sample)
            return found if request.settings[setting].policy.name == "fixed" else replace(found, text="the same")

    compare(comparison(), tmp_path, Beyond())
    looks, found = ended(tmp_path)
    assert looks == [20]
    assert found.effects[0].call == "not comparable"


class Stopping(Shifted):
    def __init__(self, texts: int) -> None:
        super().__init__()
        self.texts = texts

    def generate(self, requests: Any) -> Any:
        if len(self.asked) == self.texts:
            raise KeyboardInterrupt
        return super().generate(requests)


@pytest.mark.parametrize("prompts", [3, 20, 27, 30])
def test_stopped_between_looks_or_at_one_it_ends_as_an_uninterrupted_one(tmp_path: Path, prompts: int):
    compare(comparison(until=0.155), tmp_path / "whole", Shifted())
    with pytest.raises(KeyboardInterrupt):
        compare(comparison(until=0.155), tmp_path / "parts", Stopping(5 + prompts))
    compare(comparison(until=0.155), tmp_path / "parts", Shifted())
    assert exported(comparison(), tmp_path / "parts") == exported(comparison(), tmp_path / "whole")


def test_a_narrower_width_goes_on_and_a_wider_one_does_nothing(tmp_path: Path):
    compare(comparison(until=0.155), tmp_path, Shifted())
    before, _ = ended(tmp_path)
    assert compare(comparison(until=0.5), tmp_path, Shifted()) == []
    assert ended(tmp_path)[0] == before
    compare(comparison(size=60, until=0.001), tmp_path, Shifted())
    assert ended(tmp_path)[0] == [20, 30, 40, 50, 60]


def test_a_run_of_a_fixed_size_may_go_on_until_and_is_sequential_then(tmp_path: Path):
    compare(comparison(until=None), tmp_path, Shifted())
    compare(comparison(until=0.3), tmp_path, Shifted())
    with Reader(comparison().folder(tmp_path)) as reader:
        assert [(look.prompts, look.sequential) for look in reader.looks()][:2] == [(10, False), (20, True)]
        assert find(reader).sequential


def test_an_interval_that_ends_at_0_is_as_wide_as_any_other():
    assert Estimate(0.1, 0.0, 0.2).half == pytest.approx(0.1)
    assert Estimate(0.1).half == float("inf")
