"""Filters: one notation, read back exactly, refused in one clear line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edt_sampling.sampling import Filters
from edt_sampling.sampling.filters import MinP, Temperature, TopK, TopP

SHARES = st.floats(0, 1, exclude_min=True)
STEPS = st.tuples(st.builds(TopK, st.integers(1, 10**9)), st.builds(TopP, SHARES), st.builds(MinP, SHARES), st.just(Temperature())).flatmap(
    st.permutations
)


@given(STEPS, st.integers(0, 3), st.sampled_from(["raw", "filtered"]))
def test_string_reads_back(steps, dropped, entropy_of):
    filters = Filters(tuple(steps[dropped:]), entropy_of)
    assert Filters.parse(str(filters)) == filters


@pytest.mark.parametrize("text", ["", "none", " ", "temperature"])
def test_no_filters(text):
    assert Filters.parse(text) == Filters()
    assert str(Filters.parse(text)) == "temperature"


def test_temperature_comes_first_where_it_is_not_named():
    filters = Filters.parse("top_k=40, top_p=0.95")
    assert filters.before == ()
    assert filters.after == (TopK(40), TopP(0.95))
    assert str(filters) == "temperature,top_k=40,top_p=0.95"


def test_order_is_kept():
    filters = Filters.parse("min_p=0.1,temperature,top_p=0.95,entropy_of=filtered")
    assert (filters.before, filters.after, filters.entropy_of) == ((MinP(0.1),), (TopP(0.95),), "filtered")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("top_q=0.9", r"unknown step 'top_q'; did you mean 'top_[kp]'\? known: temperature, top_k, top_p, min_p, top_n_sigma"),
        ("eta=0.9", "unknown step 'eta'; known: temperature"),
        ("typical=0", r"typical must be a number > 0 and <= 1, got 0\.0"),
        ("top_h=1.5", r"top_h must be a number > 0 and <= 1, got 1\.5"),
        ("top_n_sigma=0", r"top_n_sigma must be a number > 0, got 0\.0"),
        ("mirostat=-5", r"mirostat must be a number > 0, got -5\.0"),
        ("mirostat=5,temperature", "mirostat comes after temperature, got mirostat,temperature"),
        ("top_p", "top_p must be a number, got ''"),
        ("top_p=high", "top_p must be a number, got 'high'"),
        ("top_p=0", "top_p must be a number > 0 and <= 1, got 0.0"),
        ("top_p=1.5", "top_p must be a number > 0 and <= 1, got 1.5"),
        ("min_p=nan", "min_p must be a number > 0 and <= 1, got nan"),
        ("top_k=0", "top_k must be a whole number >= 1, got 0.0; leave it out to keep every token"),
        ("top_k=2.5", "top_k must be a whole number >= 1, got 2.5"),
        ("top_k=inf", "top_k must be a whole number >= 1, got inf"),
        ("temperature=0.7", "temperature only marks its place, its number comes from the policy; got '0.7'"),
        ("top_p=0.9,top_p=0.8", "each step may stand once, got top_p,top_p"),
        ("entropy_of=mean", "entropy_of must be raw or filtered, got 'mean'"),
        ("entropy_of=raw,entropy_of=raw", "entropy_of is given twice"),
    ],
)
def test_errors_are_one_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        Filters.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", ["5", None, True])
def test_numbers_only(bad):
    for kind in (TopK, TopP, MinP):
        with pytest.raises(ValueError, match=f"{kind.name} must be a"):
            kind(bad)
