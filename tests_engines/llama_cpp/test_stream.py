"""Rows over one prompt, sequences of llama.cpp's each."""

import numpy as np
import pytest

PROMPT = [316, 70, 1388, 8, 88, 565, 272, 532]
CELL = 6 * 2 * 256 * 4  # layers, keys and values, width, bytes


def test_rows_begin_with_the_logits_behind_their_prompt(engine):
    stream = engine.model.begin(PROMPT, rows=3, room=2)
    assert stream.logits == pytest.approx(engine.model.logits(PROMPT, last=1).repeat(3, 0), abs=1e-4)
    assert stream.bytes == len(PROMPT) * CELL


def test_rows_that_are_kept_go_on_in_the_order_given(engine):
    stream = engine.model.begin(PROMPT, rows=3, room=3)
    stream.step(np.array([5, 6, 7]))
    before = stream.logits.copy()
    stream.keep(np.array([2, 0]))
    assert stream.logits.tolist() == before[[2, 0]].tolist()
    stream.step(np.array([8, 9]))
    alone = [engine.model.logits([*PROMPT, *text], last=1)[0] for text in ([7, 8], [5, 9])]
    assert stream.logits == pytest.approx(np.stack(alone), abs=1e-3)
    assert stream.bytes == (len(PROMPT) + 2 * 2) * CELL


def test_the_cells_of_rows_that_have_ended_serve_the_others(engine):
    """8 + 31 * 8 tokens fill the 256 cells of the context."""
    stream = engine.model.begin(PROMPT, rows=31, room=8)
    for _ in range(8):
        stream.step(np.full(31, 5))
    stream.keep(np.array([30]))
    for _ in range(20):
        stream.step(np.array([5]))
    assert stream.logits == pytest.approx(engine.model.logits([*PROMPT, *[5] * 28], last=1), abs=1e-3)


def test_more_tokens_than_there_are_cells_are_refused(engine):
    stream = engine.model.begin(PROMPT, rows=31, room=8)
    for _ in range(8):
        stream.step(np.full(31, 5))
    with pytest.raises(RuntimeError, match="llama_decode gave 1 for 31 tokens"):
        stream.step(np.full(31, 5))
