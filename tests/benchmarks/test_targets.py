"""Targets: the worst case counts, and a busy machine keeps none."""

from benchmarks.targets import TARGETS, targets
from made_up import case, draw, record


def rows(*records):
    (table,) = targets({r.part: r for r in records})
    return {row[0]: row[1:] for row in table.rows}


MANY = "a draw with EDT is faster than today's, 8 rows and more"


def test_the_worst_case_decides():
    cases = [draw(0.33, 0.01), draw(0.24, 0.01, rows=64, words=151_936, numbers="bfloat16"), draw(0.02, 0.01, words=4096)]
    wanted, found, at, missed = rows(record("draw", *cases))[MANY]
    assert (wanted, found, at, missed) == ("at least 30 times", "24.0 times", "64 rows, 151,936 words, bfloat16", "**20%**")
    assert rows(record("draw", cases[0]))[MANY][1:] == ("33.0 times", "8 rows, 128,256 words", "kept")


def test_at_most_is_missed_above():
    found = rows(record("start-up", case({"import edt_sampling": [0.06], "edt --help": [0.15]})))
    assert found["`import edt_sampling`"][1:] == ("60.0 ms", "import edt_sampling", "**20%**")
    assert found["`edt --help`"][1:] == ("150 ms", "edt --help", "kept")


def test_a_busy_machine_tells_nothing():
    busy = draw(1, 1, others=2)
    assert rows(record("draw", busy))[MANY][1:] == ("-", "the machine was busy", "-")
    assert rows(record("draw", busy, draw(0.5, 0.01)))[MANY][1:] == (
        "50.0 times",
        "8 rows, 128,256 words (1 of 2 left out: the machine was busy)",
        "kept",
    )


def test_theirs_is_scaled_by_the_prompts_that_it_ran_on():
    found = rows(record("metrics", case({"ours": [2.0], "theirs": [0.5]}, what="Self-BLEU, K = 32", count=1000, part=4)))
    assert found["Self-BLEU against nltk's"][1] == "62.5 times"


def test_targets_without_their_part_are_left_out():
    assert targets({}) == []
    assert len(rows(record("draw", draw(1, 1)))) < len(TARGETS)
