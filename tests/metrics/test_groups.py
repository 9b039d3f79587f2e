"""Groups of another size than K are refused: their values would not compare."""

import pytest

from edt_sampling.metrics.groups import check_groups, check_k


def test_groups_of_k_pass() -> None:
    check_groups([["a", "b"], ("c", "c")], 2)
    check_groups([], 2)


def test_a_group_of_another_size_is_named_with_a_way_out() -> None:
    with pytest.raises(ValueError, match=r"groups\[1\] must hold k = 2 outputs, got 3; .* pass k=3"):
        check_groups([["a", "b"], ["a", "b", "c"]], 2)


def test_a_string_is_no_group() -> None:
    with pytest.raises(TypeError, match=r"groups\[0\] must be a list of strings, got the string 'ab'"):
        check_groups(["ab"], 2)


def test_k_has_a_least_value() -> None:
    check_k(2, least=2)
    with pytest.raises(ValueError, match="k, the outputs of a prompt, must be 2 or more, got 1"):
        check_k(1, least=2)
