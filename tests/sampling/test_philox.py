"""Counted random numbers: the published vectors, what they depend on, and what they refuse."""

import numpy as np
import pytest
from scipy import stats

from edt_sampling.sampling import uniforms
from edt_sampling.sampling.philox import philox

# Random123, tests/kat_vectors, "philox4x32 10": counter, key, result.
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_published_vectors(counter, key, expected):
    words = philox(tuple(map(np.uint64, counter)), tuple(map(np.uint64, key)))
    assert tuple(int(w) for w in words) == expected


def test_first_uniform_comes_from_the_first_published_vector():
    k = 0x6627E8D5 << 20 | 0xE169C58D >> 12
    assert uniforms(0, 0, 0, 1)[0] == (k + 0.5) / 2**52


def test_every_argument_has_its_place_in_counter_and_key():
    seed, request, sample = 0x299F31D0_A4093822, 0x03707344_243F6A88, 7
    words = philox(tuple(map(np.uint64, (0x243F6A88, sample, 2, 0x03707344))), (np.uint64(0xA4093822), np.uint64(0x299F31D0)))
    k = int(words[0]) << 20 | int(words[1]) >> 12
    assert uniforms(seed, request, sample, 3)[2] == (k + 0.5) / 2**52


def test_rows_and_steps_are_independent_of_what_stands_beside_them():
    table = uniforms(3, np.arange(5), np.arange(5)[::-1], 9)
    assert table.shape == (5, 9)
    for row in range(5):
        assert (uniforms(3, row, 4 - row, 4) == table[row, :4]).all()


def test_arguments_broadcast():
    assert uniforms(0, 1, 2, 3).shape == (3,)
    assert uniforms(0, 1, np.arange(4), 3).shape == (4, 3)
    assert uniforms(0, [1, 2], 0, 3).shape == (2, 3)
    assert uniforms(0, 1, 2, 0).shape == (0,)


def test_all_distinct_and_inside_the_open_interval():
    u = uniforms(11, np.arange(300), 0, 100).ravel()
    assert len(np.unique(u)) == u.size
    assert u.min() > 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 0, 1), r"seed must be from 0 to 2\*\*64 - 1, got -1"),
        ((2**64, 0, 0, 1), r"seed must be from 0 to 2\*\*64 - 1"),
        ((np.arange(2), 0, 0, 1), r"seed must be one number, got shape \(2,\)"),
        ((0, 1.5, 0, 1), "request must be a whole number, or an array of them, got 1.5"),
        ((0, True, 0, 1), "request must be a whole number"),
        ((0, 2**64, 0, 1), r"request must be from 0 to 2\*\*64 - 1"),
        ((0, 0, 2**32, 1), r"sample must be from 0 to 2\*\*32 - 1, got 4294967296"),
        ((0, 0, np.array([0, -3]), 1), r"sample must be from 0"),
        ((0, 0, 0, -1), r"steps must be from 0"),
        ((0, 0, 0, 2.0), "steps must be a whole number"),
        ((0, [1, 2], [1, 2, 3], 1), r"request and sample must be of one shape, got \(2,\) and \(3,\)"),
    ],
)
def test_errors_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        uniforms(*arguments)
