"""Policies beside each other, on numbers that are known."""

import numpy as np
import pytest
from rich.console import Console

from edt_sampling.harness.answers import Pass
from edt_sampling.harness.rivals import baseline, scores
from edt_sampling.harness.table import render

FIXED, EDT = "fixed:temperature=0.7", "edt:t0=0.8,theta=0.2"


def a_pass(policy: str, values: list[float | None], *, repeat: int = 0, reported: float | None = None) -> Pass:
    mean = float(np.mean(values)) if reported is None else reported
    return Pass(
        policy=policy,
        seed=0,
        repeat=repeat,
        seconds=1.0,
        values={"t": {"acc,none": values}},
        reported={"t": {"acc,none": mean}},
        texts={"t": [["x"] for _ in values]},
    )


def test_means_errors_and_paired_differences():
    passes = [
        a_pass(EDT, [1, 0, 1, 1]),
        a_pass(EDT, [1, 0, 0, 1], repeat=1),
        a_pass(FIXED, [1, 0, 0, 0]),
        a_pass(FIXED, [0, 0, 0, 1], repeat=1),
    ]
    one, base = scores(passes)
    assert (one.policy, one.documents, one.passes, one.mean) == (EDT, 4, 2, 0.625)
    assert one.error == pytest.approx(np.std([1, 0, 0.5, 1], ddof=1) / 2)
    assert one.difference == pytest.approx(np.mean([0.5, 0, 0.5, 0.5]))
    assert one.low is not None
    assert one.high is not None
    assert one.low < one.difference < one.high
    assert (base.policy, base.mean, base.difference, base.low) == (FIXED, 0.25, None, None)


def test_an_interval_covers_what_documents_that_differ_alike_say():
    one, _ = scores([a_pass(EDT, [0.5] * 10), a_pass(FIXED, [0.25] * 10)])
    assert (one.difference, one.low, one.high) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("values", [[None, None, 1.0], [1.0, 0.0, 0.0]])
def test_a_metric_that_is_no_mean_over_documents_has_no_interval(values: list[float | None]):
    one, base = scores([a_pass(EDT, values, reported=0.9), a_pass(FIXED, values, reported=0.8)])
    assert (one.mean, base.mean) == (0.9, 0.8)
    assert one.error is one.difference is one.low is None


def test_one_document_has_a_score_alone():
    one, _ = scores([a_pass(EDT, [1.0]), a_pass(FIXED, [0.0])])
    assert (one.mean, one.error, one.difference) == (1.0, None, None)


def test_the_baseline_is_the_first_fixed_temperature():
    assert baseline([EDT, FIXED, "fixed:temperature=0"]) == FIXED
    for policies in ([], [FIXED], [EDT], [EDT, "udt:t0=1,theta=0.1"]):
        with pytest.raises(ValueError, match="must hold a fixed temperature and another policy to hold against it, got"):
            baseline(policies)


def test_the_table_tells_each_policy_and_dashes_where_nothing_is_known():
    console = Console(width=100)
    with console.capture() as captured:
        console.print(render(scores([a_pass(EDT, [1, 0, 1, 1]), a_pass(FIXED, [1, 0, 0, 0])])))
    lines = captured.get().splitlines()
    assert lines[1].strip() == "t acc,none  4 documents, 1 text each"
    assert lines[2].split()[:4] == [EDT, "0.7500", "0.2500", "+0.5000"]
    assert lines[3].split() == [FIXED, "0.2500", "0.2500", "-"]
