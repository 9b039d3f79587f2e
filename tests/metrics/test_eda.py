"""EDA against hand-worked values; what it does beyond the aim; arrays as numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edt_sampling.metrics.eda import Eda

fractions = st.floats(0, 1)
aims = st.floats(0.01, 1)


def test_hand_worked() -> None:
    # A gap of .3 of R = .5 is 60; w = R/P = .5 and S = .16 give 8.
    value = Eda(0.5)(0.2, 0.16)
    assert value.quality_term == pytest.approx(60)
    assert value.diversity_term == pytest.approx(8)
    assert value.value == pytest.approx(math.sqrt(60**2 + 8**2))
    # P = .5 makes S = .16 a share of .32, w = 2 doubles it.
    assert Eda(0.5, self_bleu_scale=0.5, weight=2)(0.5, 0.16).value == pytest.approx(64)


@given(aims, aims, st.floats(0, 10), fractions, fractions)
def test_is_the_formula_of_the_source_up_to_the_aim(r: float, p: float, w: float, q: float, s: float) -> None:
    q = min(q, r)
    expected = 100 * math.sqrt(((r - q) / r) ** 2 + w**2 * (s / p) ** 2)
    assert Eda(r, self_bleu_scale=p, weight=w)(q, s).value == pytest.approx(expected)


@given(aims, aims, fractions, fractions)
def test_default_weight_is_the_one_of_percentages(r: float, p: float, q: float, s: float) -> None:
    q = min(q, r)
    r100, p100, q100, s100 = 100 * r, 100 * p, 100 * q, 100 * s
    expected = 100 * math.sqrt(((r100 - q100) / r100) ** 2 + (r100 / p100) ** 2 * (s100 / p100) ** 2)
    assert Eda(r, self_bleu_scale=p)(q, s).value == pytest.approx(expected, abs=1e-9)


@given(aims, fractions, fractions, fractions)
def test_never_rises_with_quality_also_beyond_the_aim(r: float, lower: float, higher: float, s: float) -> None:
    lower, higher = sorted((lower, higher))
    assert Eda(r)(higher, s).value <= Eda(r)(lower, s).value


def test_beyond_the_aim_only_diversity_tells() -> None:
    eda = Eda(0.2)
    assert eda([0.2, 0.3, 0.9], 0.1).quality_term.tolist() == [0, 0, 0]
    assert eda([0.3, 0.9], 0.1).value == pytest.approx([2, 2])
    assert eda(0.9, 0.0).value == 0


def test_arrays_are_numbers_side_by_side() -> None:
    generator = np.random.default_rng(0)
    quality, self_bleu = generator.random((2, 50, 4))
    eda = Eda(0.6)
    together = eda(quality, self_bleu)
    for i in np.ndindex(50, 4):
        assert [term[i] for term in together] == [float(term) for term in eda(quality[i], self_bleu[i])]
    broadcast = eda(quality, 0.3)
    assert [term.shape for term in broadcast] == [(50, 4)] * 3
    assert np.allclose(broadcast.value**2, broadcast.quality_term**2 + broadcast.diversity_term**2)


def test_nan_in_nan_out() -> None:
    assert np.isnan(Eda(0.5)([np.nan, 0.1], 0.1).value).tolist() == [True, False]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target": 0}, r"target must lie in \(0, 1\], got 0"),
        ({"target": 23.4}, "target must .* got 23.4; .*divide a percentage by 100"),
        ({"target": math.nan}, "target must .* got nan"),
        ({"target": 0.2, "self_bleu_scale": 100}, "self_bleu_scale must .* got 100"),
        ({"target": 0.2, "weight": -1}, "weight must be finite and 0 or more, got -1"),
        ({"target": 0.2, "weight": math.inf}, "weight must be finite"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Eda(**parameters)


def test_percentages_are_refused() -> None:
    with pytest.raises(ValueError, match=r"quality must lie on 0\.\.1, got 23.4; divide percentages by 100"):
        Eda(0.5)([0.1, 23.4], 0.1)
    with pytest.raises(ValueError, match=r"self_bleu must lie on 0\.\.1, got -0.1"):
        Eda(0.5)(0.1, -0.1)


def test_signature_says_every_constant() -> None:
    assert Eda(0.25).signature == "eda|R:0.25|P:1.0|w:0.25|above:clip|scale:100"
    assert Eda(0.25, self_bleu_scale=0.5, weight=2.0).signature == "eda|R:0.25|P:0.5|w:2.0|above:clip|scale:100"
