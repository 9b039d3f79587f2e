"""Row statistics in Triton's interpreter against the float64 oracle."""

import numpy as np
import pytest
import torch
from oracle import DTYPES, SHAPES, close, margins, rows_of_every_kind

from edt_sampling.sampling import reference
from edt_sampling.sampling.triton_statistics import read
from edt_sampling.sampling.triton_tiles import tiles

NAMES = ("entropy", "max_probability", "support", "margin", "varentropy")


def found(logits, **options):
    return read(logits, cut=tiles(logits), needs=frozenset(NAMES), **options)


def agree(logits, exact=None, **options):
    ours, expected = (
        found(logits, **options),
        reference.statistics(logits.double().numpy() if exact is None else exact, needs=frozenset(NAMES)),
    )
    for name in NAMES[:4]:
        close(getattr(ours.statistics, name), getattr(expected, name), margins(logits), name)
    close(ours.statistics.varentropy, expected.varentropy, 4 * margins(logits) * (1 + expected.varentropy), "varentropy")
    return ours


@pytest.mark.parametrize(("rows", "vocab"), SHAPES)
def test_every_size_and_kind_of_row(rows, vocab):
    logits = rows_of_every_kind(rows, vocab)
    ours = agree(logits)
    assert ours.best.tolist() == logits.argmax(-1).tolist()
    assert ours.largest.tolist() == logits.amax(-1).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_half_precision_is_read_as_it_is(dtype):
    agree(rows_of_every_kind(7, 5_000, dtype=dtype, seed=2))


def test_a_small_entropy_keeps_its_digits():
    """One token of 129 at 0 and the others x below: R = 128 exp(-x), H = ln(1 + R) + R x / (1 + R)."""
    for x in (20.0, 30.0, 40.0):
        logits = torch.full((1, 129), -x)
        logits[0, 77] = 0.0
        rest = 128 * np.exp(-x)
        expected = np.log1p(rest) + rest * x / (1 + rest)
        assert float(found(logits).statistics.entropy) == pytest.approx(expected, rel=3e-6)


def test_what_the_engine_has_divided_by_is_undone():
    logits, by = rows_of_every_kind(7, 500), torch.linspace(0.3, 1.9, 7)
    agree(logits, exact=logits.double().numpy() * by.double().numpy()[:, None], applied=by)


def test_the_lowest_index_of_equal_maxima_over_tiles():
    logits = torch.zeros(2, 9_000)
    logits[0, [4095, 4096, 8999]] = 5.0
    logits[1, [8191, 8192]] = 5.0
    ours = found(logits)
    assert ours.best.tolist() == [4095, 8191]
    assert ours.statistics.margin.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("place", [0, 4095, 4096, 4999])
@pytest.mark.parametrize("fault", [torch.nan, torch.inf])
def test_a_fault_is_seen_wherever_it_stands(place, fault):
    logits = rows_of_every_kind(3, 5_000)
    logits[1, place] = fault
    assert found(logits).unusable.tolist() == [False, True, False]


def test_a_row_without_tokens_is_unusable_and_a_tile_without_them_is_not():
    logits = torch.full((2, 9_000), -torch.inf)
    logits[1, 5_000] = -3e38
    ours = found(logits)
    assert ours.unusable.tolist() == [True, False]
    assert [float(getattr(ours.statistics, name)[1]) for name in NAMES] == [0, 1, 1, 1, 0]


def test_a_row_is_the_same_alone_and_in_a_batch_and_where_numbers_lie_apart():
    logits = rows_of_every_kind(7, 5_000)
    apart = torch.empty(5_000, 14)
    apart[:, ::2] = logits.t()
    whole, other = found(logits), found(apart.t()[::2])
    for row in range(7):
        alone = found(logits[row : row + 1])
        for name in NAMES:
            values = [float(getattr(of.statistics, name)[i]) for of, i in ((alone, 0), (whole, row), (other, row))]
            assert values[0] == values[1] == values[2], name


def test_what_is_refused():
    with pytest.raises(ValueError, match="logits must be float16, bfloat16 or float32 in Triton's kernels, got float64"):
        tiles(torch.zeros(1, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"logits must be \[rows, vocab\], got shape \(3,\)"):
        tiles(torch.zeros(3))
