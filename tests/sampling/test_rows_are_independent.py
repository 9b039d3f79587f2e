"""A batch equals a loop over its rows, bit for bit, and rows may be moved or dropped."""

import numpy as np
import pytest
import torch

import edt_sampling as edt

SPECS = ["edt:t0=1,theta=0.5", "fixed:temperature=0.9", "udt:t0=1,theta=0.1", "dynatemp:low=0,high=2", "instance-edt:t0=1,theta=1"]
STEPS = ["", "top_p=0.9", "top_k=7,temperature,top_p=0.8,min_p=0.01", "top_p=0.9,temperature,entropy_of=filtered"]
SHAPES = [(23, 17), (23, 1031), (3, 40_003)]


def batch(rows, vocab):
    rng = np.random.default_rng(vocab)
    logits = (rng.normal(size=(rows, vocab)) * 3).astype(np.float32)
    logits[::2, : vocab // 3] = np.round(logits[::2, : vocab // 3])
    logits[1::4, ::5] = -np.inf
    return logits, [SPECS[row % len(SPECS)] for row in range(rows)], edt.uniforms(1, np.arange(rows), 0, 1)[:, 0], rng.random(rows) * 4


def draws(kind, logits, specs, u, first, steps):
    return edt.draw(kind(logits), specs, uniform=u, filters=steps, first_entropy=first)


def assert_bitwise(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert (np.asarray(a) == np.asarray(b)).all()


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_equals_loop(kind, steps, shape):
    logits, specs, u, first = batch(*shape)
    whole = draws(kind, logits, specs, u, first, steps)
    for row in range(len(u)):
        alone = draws(kind, logits[row], specs[row], u[row], first[row], steps)
        assert_bitwise(alone, [column[row] for column in whole])


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
@pytest.mark.parametrize("steps", STEPS)
def test_moved_and_dropped_rows_keep_their_draws(kind, steps):
    logits, specs, u, first = batch(23, 300)
    whole = draws(kind, logits, specs, u, first, steps)
    order = np.random.default_rng(0).permutation(23)[:9]
    moved = draws(kind, logits[order], [specs[i] for i in order], u[order], first[order], steps)
    assert_bitwise(moved, [column[order.tolist()] for column in whole])


def test_neither_threads_nor_slabs_change_a_draw():
    logits, specs, u, first = batch(2, 140_001)
    lone = [draws(torch.tensor, logits[r], specs[r], u[r], first[r], "top_p=0.9") for r in range(2)]
    torch.set_num_threads(2)
    try:
        whole = draws(torch.tensor, logits, specs, u, first, "top_p=0.9")
    finally:
        torch.set_num_threads(1)
    for row in range(2):
        assert_bitwise(lone[row], [column[row] for column in whole])


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_memory_layout_does_not_matter(kind):
    logits, specs, u, first = batch(23, 301)
    expected = draws(kind, logits, specs, u, first, "top_p=0.9")
    turned = kind(np.ascontiguousarray(logits.T)).T
    strided = kind(np.repeat(logits, 2, axis=1))[:, ::2]
    for same in (turned, strided):
        assert_bitwise(edt.draw(same, specs, uniform=u, filters="top_p=0.9", first_entropy=first), expected)


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_no_rows(kind):
    for steps in STEPS:
        result = draws(kind, np.zeros((0, 5), np.float32), "edt:t0=1,theta=1", [], None, steps)
        assert [tuple(column.shape) for column in result] == [(0,)] * 4
