"""Outputs and references that do not line up are refused, each with its place and a way out."""

import pytest

from edt_sampling.metrics.references import check_references


def test_a_list_of_references_for_each_output_passes() -> None:
    check_references(["a", "b"], [["x"], ["y", "z"]])
    check_references([], [])


@pytest.mark.parametrize(
    ("outputs", "references", "error", "message"),
    [
        ("a", [["x"]], TypeError, r"outputs must be a list of strings, got the string 'a'; write \[output\]"),
        (["a"], ["x"], TypeError, r"references\[0\] must be a list of strings, got the string 'x'; write \[reference\]"),
        (["a", "b"], [["x"]], ValueError, "one list for each output, got 1 lists for 2 outputs"),
        (["a", "b"], [["x"], []], ValueError, r"references\[1\] must hold at least one"),
        (["a"], [["x", " \n"]], ValueError, r"references\[0\]\[1\] must hold text, got ' \\n'"),
    ],
)
def test_anything_else_is_refused_by_place(outputs: list[str], references: list[list[str]], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_references(outputs, references)
