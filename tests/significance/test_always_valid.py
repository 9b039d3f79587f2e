"""Always valid: the formula against a search and the paper's, and what it promises against runs with nothing to find."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from edt_sampling.significance.always_valid import FIRST_LOOK, half_width, p_value

RUNS, LOOKS = 2_000, np.arange(FIRST_LOOK, 1_001, 25)

counts = st.integers(2, 100_000)
tunings = st.integers(2, 5_000)


def mixture(sd: float, n: int, rho: float, alpha: float) -> float:
    """Waudby-Smith et al., theorem 2.2, as printed there."""
    return sd * math.sqrt(2 * (n * rho**2 + 1) / (n**2 * rho**2) * math.log(math.sqrt(n * rho**2 + 1) / alpha))


@pytest.mark.parametrize("tightest", [100, 300, 1_000])
def test_no_other_rho_is_narrower_where_it_is_tightest(tightest: int) -> None:
    best = optimize.minimize_scalar(lambda x: mixture(1, tightest, math.exp(x), 0.05), bounds=(-8, 0), options={"xatol": 1e-9})
    ours = float(half_width(1, n=tightest, tightest=tightest))
    assert ours == pytest.approx(best.fun, rel=1e-12)
    assert ours == pytest.approx(3.0351 / math.sqrt(tightest), rel=1e-4)
    # The paper's rho in closed form is an approximation of the best, hence no narrower, and close.
    closed = math.sqrt((-2 * math.log(0.05) + math.log(-2 * math.log(0.05) + 1)) / tightest)
    assert best.fun <= mixture(1, tightest, closed, 0.05) <= 1.001 * best.fun


@given(st.floats(0, 10), counts, st.floats(0.01, 0.999), tunings)
def test_is_the_papers_formula(sd: float, n: int, level: float, tightest: int) -> None:
    rho = math.sqrt(8.211968062 / tightest)
    assert half_width(sd, n=n, level=level, tightest=tightest) == pytest.approx(mixture(sd, n, rho, 1 - level), rel=1e-9)


def test_price_in_width() -> None:
    ratio = half_width(1, n=np.arange(50, 3_001)) / (1.959964 / np.sqrt(np.arange(50, 3_001)))
    assert (ratio.min().round(2), ratio.max().round(2)) == (1.55, 1.76)


@given(st.floats(1e-3, 10), counts, st.floats(0.01, 0.999), tunings, st.floats(1e-6, 0.5))
def test_p_falls_below_alpha_where_the_interval_excludes_0(sd: float, n: int, level: float, tightest: int, off: float) -> None:
    edge = float(half_width(sd, n=n, level=level, tightest=tightest))
    assert p_value(edge, sd, n=n, tightest=tightest) == pytest.approx(1 - level, rel=1e-6)
    assert p_value(-edge * (1 + off), sd, n=n, tightest=tightest) < 1 - level
    assert p_value(edge * (1 - off), sd, n=n, tightest=tightest) > 1 - level


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1e-3, 10), counts)
def test_p_falls_as_the_mean_goes_away_from_0(one: float, other: float, sd: float, n: int) -> None:
    near, far = p_value(sorted([one, other]), sd, n=n)
    assert 0 <= far <= near <= 1


def test_nothing_varies() -> None:
    assert p_value([0, 0.1, -1e-300], 0, n=[50, 50, 75]).tolist() == [1, 0, 0]
    assert p_value(0, 0.1, n=50) == 1
    assert p_value(1e-200, 1e-320, n=50) == 0
    assert half_width(0, n=50) == 0


def runs(kind: str) -> np.ndarray:
    """Values of mean 0, ``[runs, 1000]``."""
    generator, shape = np.random.default_rng(0), (RUNS, 1_000)
    said = generator.random(shape)  # how many prompts have anything to say
    return {
        "normal": lambda: generator.normal(size=shape),
        "half zeros, skewness 2": lambda: (said < 0.5) * (generator.gamma(2, size=shape) - 2),
        "70% zeros, skewness 3.7": lambda: (said < 0.3) * (generator.exponential(size=shape) - 1),
        "one prompt in twenty": lambda: (said < 0.5) * np.where(generator.random(shape) < 0.1, 9.0, -1.0),
    }[kind]()


def looked_at(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the prompts so far, ``[runs, looks]``."""
    mean = values.cumsum(axis=1)[:, LOOKS - 1] / LOOKS
    squares = (values**2).cumsum(axis=1)[:, LOOKS - 1]
    return mean, np.sqrt((squares - LOOKS * mean**2) / (LOOKS - 1))


def allowed(share: float) -> float:
    return share + 2 * math.sqrt(share * (1 - share) / RUNS)


@pytest.mark.parametrize(("kind", "share"), [("normal", 0.02), ("half zeros, skewness 2", 0.03), ("70% zeros, skewness 3.7", 0.05)])
def test_looking_often_finds_nothing_where_nothing_is(kind: str, share: float) -> None:
    mean, sd = looked_at(runs(kind))
    always = (abs(mean) > half_width(sd, n=LOOKS)).any(axis=1)
    assert always.mean() <= allowed(0.05)
    assert always.mean() == pytest.approx(share, abs=allowed(share) - share + 0.005)  # as the docstring says, to a percent
    assert ((p_value(mean, sd, n=LOOKS) <= 0.05).any(axis=1) == always).all()
    ordinary = (abs(mean) > 1.96 * sd / np.sqrt(LOOKS)).any(axis=1).mean()
    assert ordinary > 0.2
    if kind == "normal":
        assert ordinary == pytest.approx(0.25, abs=allowed(0.25) - 0.25)


def test_the_first_look_is_early_where_few_prompts_say_anything() -> None:
    mean, sd = looked_at(runs("one prompt in twenty"))
    wrong = abs(mean) > half_width(sd, n=LOOKS)
    assert wrong.any(axis=1).mean() == pytest.approx(0.07, abs=allowed(0.07) - 0.07)
    assert wrong[:, LOOKS >= 200].any(axis=1).mean() == pytest.approx(0.04, abs=allowed(0.04) - 0.04)


def test_an_effect_is_found() -> None:
    """At two and a half half-widths of the 300 it is tuned to, all but always, and by then."""
    effect = 2.5 * float(half_width(1, n=300))
    mean, sd = looked_at(runs("normal") + effect)
    found = (p_value(mean, sd, n=LOOKS) <= 0.05)[:, LOOKS <= 300].any(axis=1)
    assert found.mean() > 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sd": [0.1, -1]}, "sd must be finite and 0 or more, got -1"),
        ({"sd": math.nan}, "sd must be finite"),
        ({"n": 1}, "n must be 2 prompts or more, got 1"),
        ({"level": 95}, r"level must lie in \(0, 1\), got 95"),
        ({"tightest": 0}, "tightest must be 2 prompts or more, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        half_width(**({"sd": 0.1, "n": 100} | change))  # type: ignore[arg-type]


def test_a_mean_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="mean must be finite, got nan"):
        p_value([0.1, math.nan], 1, n=100)
