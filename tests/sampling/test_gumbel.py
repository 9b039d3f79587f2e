"""The second draw: its keys and noise against published vectors and a pencil, its draws against softmax(logits / T).

Chi-square over 40,000 keys, level 1e-4. Power: a temperature wrong by 10% gives noncentralities of 367, 213 and 109 at T = 0.5, 1 and 1.7
with 6 degrees of freedom: above 0.999 at each, and shown by the same test.
"""

import math

import numpy as np
import pytest
from scipy import special, stats

from edt_sampling import policy
from edt_sampling.sampling import gumbel, reference, uniforms
from edt_sampling.sampling.philox import philox

N = 40_000
LOGITS = np.array([2.0, 1.0, 1.0, -np.inf, 0.0, -1.0, 0.5, -2.0])
THERE = np.isfinite(LOGITS)
FIRST = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
"""Random123, tests/kat_vectors, "philox4x32 10": the result at counter 0 under key 0."""


def drawn(logits, specs, key, **given):
    return gumbel.draw(logits, reference.mixture([policy(spec) for spec in specs]), key=key, **given)


def test_a_key_is_the_two_words_that_uniforms_leaves():
    assert int(gumbel.noise_keys(0, 0, 0, 1)[0]) == FIRST[3] << 32 | FIRST[2]


def test_noise_is_that_of_the_published_words():
    expected = [-math.log(-math.log((word + 0.5) / 2**32)) for word in FIRST]
    assert gumbel.noise(np.uint64(0), vocab=4).tolist() == pytest.approx(expected, rel=1e-12)


def test_a_keys_low_word_comes_first_and_four_tokens_share_a_counter():
    words = [philox(tuple(map(np.uint64, (count, 0, 0, 0))), (np.uint64(0xA4093822), np.uint64(0x299F31D0))) for count in range(2)]
    expected = [-math.log(-math.log((int(word) + 0.5) / 2**32)) for four in words for word in four]
    assert gumbel.noise(np.uint64(0x299F31D0_A4093822), vocab=7).tolist() == pytest.approx(expected[:7], rel=1e-12)


def test_noise_of_a_token_depends_on_key_and_token_alone():
    key = gumbel.noise_keys(3, np.arange(4), 1, 2)
    whole = gumbel.noise(key, vocab=130)
    assert whole.shape == (4, 2, 130)
    assert np.array_equal(gumbel.noise(key[2, 1], vocab=37), whole[2, 1, :37])
    assert len(np.unique(whole)) == whole.size


def test_noise_follows_gumbels_distribution():
    assert stats.kstest(gumbel.noise(gumbel.noise_keys(5, 0, 0, 50), vocab=2_000).ravel(), "gumbel_r").pvalue > 1e-3


def test_keys_take_what_uniforms_takes():
    assert gumbel.noise_keys(0, [1, 2], np.arange(2), 3).shape == uniforms(0, [1, 2], np.arange(2), 3).shape
    assert np.array_equal(gumbel.noise_keys(9, 2**40, 5, 4), gumbel.noise_keys(9, [2**40], [5], 4)[0])
    assert len(np.unique(gumbel.noise_keys(9, np.arange(40), 2, 50))) == 2_000
    with pytest.raises(ValueError, match=r"sample must be from 0 to 2\*\*32 - 1"):
        gumbel.noise_keys(0, 0, -1, 1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_tokens_follow_the_tempered_distribution(temperature):
    rows = np.broadcast_to(LOGITS, (N, len(LOGITS)))
    found = drawn(rows, [f"fixed:temperature={temperature}"] * N, gumbel.noise_keys(17, np.arange(N), 0, 1)[:, 0])
    counts = np.bincount(found.token, minlength=8)
    assert counts[3] == 0
    for wrong, level in ((1.0, False), (1.1, True)):
        p = special.softmax(LOGITS / (temperature * wrong))[THERE]
        assert (stats.chisquare(counts[THERE], N * p).pvalue < 1e-4) == level


def test_the_temperature_is_each_rows_own():
    rows, specs = np.tile(LOGITS, (3, 1)), ["edt:t0=0.7,theta=0.3", "scheduled", "instance-edt:t0=1,theta=1"]
    given = {"scheduled": [0.0, 0.4, 0.0], "first_entropy": [1.0, 1.0, 2.0]}
    found = drawn(rows, specs, gumbel.noise_keys(0, 0, 0, 3), **given)
    noise = gumbel.noise(gumbel.noise_keys(0, 0, 0, 3), vocab=8)
    p = special.softmax(LOGITS)
    entropy = -sum(x * math.log(x) for x in p if x)
    expected = [0.7 * 0.8 ** (0.3 / entropy), 0.4, 0.8 ** (1 / 2)]
    assert found.temperature.tolist() == pytest.approx(expected, rel=1e-12)
    assert found.token.tolist() == [int(np.argmax(LOGITS / t + g)) for t, g in zip(expected, noise, strict=True)]
    assert found.entropy.tolist() == pytest.approx([entropy] * 3)
    assert np.isnan(found.probability).all()


def test_a_greedy_row_takes_its_first_maximum_whatever_the_noise():
    found = drawn(np.tile([0.0, 3.0, 1.0, 3.0], (50, 1)), ["fixed:temperature=0.00009"] * 50, gumbel.noise_keys(0, 0, 0, 50))
    assert set(found.token.tolist()) == {1}


def test_what_it_refuses():
    with pytest.raises(ValueError, match="logits: row 1 holds NaN"):
        drawn(np.array([[0.0, 1.0], [np.nan, 0.0]]), ["fixed:temperature=1"] * 2, gumbel.noise_keys(0, 0, 0, 2))
    with pytest.raises(ValueError, match="key must hold one number a row: it holds 3 numbers, logits 2 rows"):
        drawn(np.zeros((2, 4)), ["fixed:temperature=1"] * 2, gumbel.noise_keys(0, 0, 0, 3))
    with pytest.raises(ValueError, match="instance-edt needs first_entropy"):
        drawn(np.zeros((1, 4)), ["instance-edt:t0=1,theta=1"], gumbel.noise_keys(0, 0, 0, 1))
