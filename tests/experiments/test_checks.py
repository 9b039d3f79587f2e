"""Metrics that run programs: a quality like any other, with k of its own; and what is said where all prompts scored alike."""

import json
from pathlib import Path

import numpy as np
import pytest
from fake_scores import around, fixed, scored_of, setting

from edt_sampling.experiments.effects import effects
from edt_sampling.experiments.measures import check, label, measures, qualities
from edt_sampling.experiments.verdict import sentence
from edt_sampling.metrics.passes import Passes
from edt_sampling.tasks import Example, load_task


def test_passes_is_a_quality_and_takes_its_own_k_but_no_leave():
    found = measures(["passes", "passes:k=5,seconds=2", "rouge_l", "self_bleu"], samples=10, run_code=True, threads=3)
    assert [metric.name for metric in qualities(found)] == ["passes", "passes_5", "rouge_l"]
    assert found[1] == Passes(k=5, seconds=2, run=True, threads=3)
    assert measures(["passes", "self_bleu"], samples=10)[0].run is False
    for parameter in ("run=true", "threads=2"):
        with pytest.raises(ValueError, match=f"'{parameter.partition('=')[0]}' is not one of its parameters: k, seconds"):
            measures([f"passes:{parameter}", "self_bleu"], samples=10)


def test_readers_are_told_pass_at_k():
    assert [label(name) for name in ("passes", "passes_5", "passes at equal diversity")] == [
        "pass@1",
        "pass@5",
        "pass@1 at equal diversity",
    ]


def test_references_must_pass_their_own_checks():
    good = Example(id="good", prompt="a = ", references=("1",), check="assert a == 1")
    bad = Example(id="bad", prompt="a = ", references=("2",), check="assert a == 1")
    metrics = measures(["passes", "self_bleu"], samples=2, run_code=True)
    check(metrics, [good])
    with pytest.raises(ValueError, match="metric passes: the reference of example bad fails its own check"):
        check(metrics, [good, bad])


def test_a_file_may_carry_checks(tmp_path: Path):
    lines = [{"prompt": f"a{i} = ", "reference": "1", "split": "test", **more} for i, more in enumerate([{"check": "assert a0"}, {}])]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert [e.check for e in load_task(tmp_path / "mine.jsonl").examples()] == ["assert a0", None]


SETTINGS = [fixed(0.3), fixed(0.6, "baseline"), fixed(1), setting("EDT", "edt:t0=1,theta=1", "chosen")]
DIVERSITY = around([0.6, 0.4, 0.2, 0.3])


@pytest.mark.parametrize("score", [0.0, 1.0, np.linspace(0, 1, 40)[:, None]], ids=["none pass", "all pass", "the same ones pass"])
@pytest.mark.parametrize("sequential", [False, True])
def test_where_all_settings_score_alike_nothing_is_told(score: np.ndarray, sequential: bool):
    quality = np.broadcast_to(score, (40, 4))
    (found,) = effects(scored_of(SETTINGS, quality, DIVERSITY, sequential=sequential), resamples=200)
    assert (found.call, found.detectable, found.adjusted) == ("scored alike", None, 1.0)
    assert found.effect is not None
    assert found.effect.mean == pytest.approx(0, abs=1e-12)
    told = sentence(found)
    assert told == "Nothing can be told: EDT (edt:t0=1,theta=1) and the fixed temperatures scored alike in ROUGE-L on every prompt."


def test_one_prompt_that_differs_is_enough_to_tell_something():
    quality = np.zeros((40, 4))
    quality[7, 3] = 1
    (found,) = effects(scored_of(SETTINGS, quality, DIVERSITY), resamples=200)
    assert found.call == "no difference detected"
    assert found.detectable is not None
    assert "could have seen" in sentence(found)
