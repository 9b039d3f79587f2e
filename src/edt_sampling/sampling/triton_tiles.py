"""Rows of logits in tiles, one Triton program each: sizes, what is accepted, and how a tile is read."""
# pyright: reportMissingImports=false, reportMissingParameterType=false, reportUntypedFunctionDecorator=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from edt_sampling.sampling.contract import check_shape

WIDEST = 4096
"""Words a tile: a program holds them in registers, so that a row is read once for all of its statistics."""
NARROWEST = 128
ACCEPTED = (torch.float16, torch.bfloat16, torch.float32)

NOWHERE = tl.constexpr(2**31 - 1)
"""An index behind every word."""


class Tiles(NamedTuple):
    """How rows are cut. It depends on the vocabulary alone, so that a row's sums do not depend on the rows beside it."""

    rows: int
    words: int
    size: int
    count: int
    slots: int

    @property
    def grid(self) -> tuple[int, int]:
        """A program for each tile of each row."""
        return self.rows, self.count

    @property
    def warps(self) -> int:
        """For a program that holds a tile: at most 16 words a thread."""
        return max(1, min(8, self.size // 512))


def tiles(logits: Tensor) -> Tiles:
    """The tiles of ``logits`` ``[rows, vocab]``: ``size`` words each, ``count`` a row, ``slots`` the next power of two of that.

    Raises ValueError for another shape, and for what is not float16, bfloat16 or float32.
    """
    check_shape(logits.shape)
    if logits.dtype not in ACCEPTED:
        given = str(logits.dtype).removeprefix("torch.")
        raise ValueError(f"logits must be float16, bfloat16 or float32 in Triton's kernels, got {given}: the torch backend takes it")
    rows, words = logits.shape
    size = max(NARROWEST, min(WIDEST, triton.next_power_of_2(words)))
    count = triton.cdiv(words, size)
    return Tiles(rows, words, size, count, triton.next_power_of_2(count))


@triton.jit
def load_tile(logits, row, tile, words, row_stride, stride, SIZE: tl.constexpr):
    """The indices of a tile's words in their row, int32, and their logits, float32; -inf behind the row's end."""
    index = tile * SIZE + tl.arange(0, SIZE)
    place = row.to(tl.int64) * row_stride + index.to(tl.int64) * stride
    return index, tl.load(logits + place, mask=index < words, other=-float("inf")).to(tl.float32)


@triton.jit
def first_of(chosen, index):
    """The lowest index that is chosen; ``NOWHERE`` where none is."""
    return tl.min(tl.where(chosen, index, NOWHERE), 0)


@triton.jit
def weight(logs, FAINTEST: tl.constexpr):
    """exp(logs), and exactly 0 at and below ``FAINTEST`` and for NaN."""
    return tl.where(logs > FAINTEST, tl.exp(logs), 0.0)
