"""Tables: numbers as a person writes them, and ratios that are left out."""

import pytest
from benchmarks.record import Spread
from benchmarks.table import Table, digits, side_by_side_table, timed, times, where
from made_up import case


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.0123456, "0.0123"), (0.1, "0.100"), (0.99999, "1.00"), (1.5, "1.50"), (12.34, "12.3"), (99.96, "100"), (1734.4, "1,730")],
)
def test_three_digits(value, shown):
    assert digits(value) == shown


def test_times_have_half_the_distance_between_their_quartiles():
    assert timed(Spread(0.0022, 0.0021, 0.0023)) == "2.20 ±0.1"
    assert timed(Spread(2, 2, 2), 1) == "2.00"
    assert times(Spread(20.3, 18.2, 22.2)) == "**20.3** ±2"
    assert times(None) == "-"


def table(*cases):
    ratios, labels = {"a / b": ("a", "b")}, {"rows": "rows"}
    return side_by_side_table(cases, labels=labels, columns={"a, ms": "a", "b, ms": "b"}, ratios=ratios, cpu=("a", "b"), above="Above:")


def test_a_row_a_case():
    assert table(case({"a": [0.008] * 3, "b": [0.002] * 3}, rows=1024)).markdown() == (
        "Above:\n\n| rows | a, ms | b, ms | a / b | CPU: a / b |\n| --- | --- | --- | --- | --- |\n"
        "| 1,024 | 8.00 | 2.00 | **4.00** | 16.0 / 4.00 |"
    )


def test_a_busy_machine_has_times_and_no_ratio_and_a_note_that_says_why():
    quiet, busy = (case({"a": [0.008], "b": [0.002]}, rows=1, others=others) for others in (0.0, 1.75))
    found = table(quiet, busy).markdown()
    assert "| 1 | 8.00 | 2.00 | **4.00** |" in found
    assert "| 1 | 8.00 | 2.00 | - |" in found
    assert found.endswith("other processes kept up to 1.8 of its 2 cores at work beside one thread of ours.")
    assert "busy" not in table(quiet).markdown()


def test_notes_stand_below():
    assert Table(("a",), (("1",),), notes=("n",)).markdown() == "| a |\n| --- |\n| 1 |\n\nn"


def test_cases_by_their_labels():
    cases = [case({}, rows=rows, kind=kind) for rows in (1, 8, 64) for kind in "xy"]
    assert [c.labels["rows"] for c in where(cases, kind="x", rows=lambda rows: rows >= 8)] == [8, 64]
