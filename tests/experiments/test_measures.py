"""The metrics that a recipe names, and what a run of a size can find."""

import pytest

from edt_sampling.experiments.measures import check, label, measures, qualities
from edt_sampling.experiments.sensitivity import MEASURED_BASE, MEASURED_SD, expected, refined
from edt_sampling.significance.power import detectable, prompts_needed
from edt_sampling.tasks import Example


@pytest.mark.parametrize(
    ("specs", "samples", "told"),
    [
        (["rouge"], 5, "did you mean 'rouge_l'"),
        (["rouge_l", "rouge_l", "self_bleu"], 5, "each may stand once"),
        (["rouge_l", "rouge_l:stem=true", "self_bleu"], 5, "each may stand once"),
        (["rouge_l", "eda"], 5, "a metric that reads references or checks, such as rouge_l, got rouge_l, eda"),
        (["self_bleu", "length"], 5, "a verdict needs self_bleu and a metric that reads references"),
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
    assert "\n" not in str(error.value)


def test_the_first_metric_that_reads_references_is_the_primary_one():
    found = measures(["length", "self_bleu", "bleu:tokenizer=char", "rouge_l:stem=true"], samples=3)
    assert [metric.name for metric in qualities(found)] == ["bleu", "rouge_l"]
    assert "k:3" in found[1].signature
    assert "tok:char" in found[2].signature
    assert "stem:yes" in found[3].signature


def test_a_metric_that_cannot_read_the_references_says_so_before_the_run():
    with pytest.raises(ValueError, match="ROUGE-L drops"):
        check(measures(["rouge_l", "self_bleu"], samples=5), [Example(id="0", prompt="?", references=("\u4f60\u597d",))])


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("rouge_l", "ROUGE-L"),
        ("self_bleu", "Self-BLEU"),
        ("distinct_2", "dist-2"),
        ("rouge_l at equal diversity", "ROUGE-L at equal diversity"),
    ],
)
def test_readers_are_told_a_columns_usual_name(metric: str, told: str):
    assert label(metric) == told


def test_what_a_run_can_find_is_at_the_level_of_its_family():
    told = expected(100, 4)
    assert f"100 test prompts find an effect of {detectable(MEASURED_SD, 100, alpha=0.05 / 4):.4f} ROUGE-L at equal diversity" in told
    needed = prompts_needed(MEASURED_SD, 0.02 * MEASURED_BASE, alpha=0.05 / 4)
    assert f"one of {0.02 * MEASURED_BASE:.4f}, 2% of the base, takes {needed:,} (5% in all over 4 comparisons" in told
    assert expected(100, 1) != told


def test_dev_refines_it():
    told = refined(0.2, 0.5, 50, 2, "bleu")
    assert f"50 test prompts find an effect of {detectable(0.2, 50, alpha=0.025):.4f} BLEU" in told
    assert told.endswith("sd over prompts 0.200, as dev shows)")
    for sd, base in ((0, 0.5), (0.2, 0)):
        assert "scored alike on dev, which tells nothing of what 50 prompts can find" in refined(sd, base, 50, 2, "bleu")
