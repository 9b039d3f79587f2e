"""Lengths of outputs."""

import pytest

from edt_sampling.metrics.length import Length


def test_words_are_what_white_space_parts() -> None:
    assert Length().scores(["", " \n", "one", "It's  two,\nno: four"]).tolist() == [0, 0, 1, 4]


def test_characters_leave_white_space_out() -> None:
    assert Length(unit="characters").scores(["", "今天 好", "a b\n"]).tolist() == [0, 3, 2]


def test_errors() -> None:
    with pytest.raises(ValueError, match="unit must be 'words' or 'characters', got 'tokens'"):
        Length(unit="tokens")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="outputs must be a list of strings"):
        Length().scores("a b")


def test_signature() -> None:
    assert Length().signature == "length|unit:words"
