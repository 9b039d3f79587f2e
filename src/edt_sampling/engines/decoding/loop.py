"""The decoding loop: draw, see what has ended, go on with the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edt_sampling.engines.decoding.guidance import Guidance
from edt_sampling.engines.decoding.rows import Row, Rows
from edt_sampling.engines.decoding.stopping import Stopping
from edt_sampling.engines.decoding.stream import Stream
from edt_sampling.protocol import Completion, Request, Trace

COMPACT_SHARE = 8  # rows are moved together once one in eight has ended: moving costs about as much as a step


class Decoded(NamedTuple):
    """A completion for each row, and the most bytes that keys and values took at once."""

    completions: list[Completion]
    cache_bytes: int


def decode(batch: Sequence[Request], rows: Rows, stream: Stream, stopping: Stopping, *, guidance: Guidance | None = None) -> Decoded:
    """Decodes the rows of ``batch`` until each has ended."""
    lengths, cache_bytes = np.zeros(len(rows.rows), dtype=np.int64), 0
    for step in range(rows.steps):
        tokens = rows.draw(stream.logits, step, kl=guidance.divergence(stream.logits, rows.live) if guidance else None)
        ended = stopping.ended(rows.tokens[rows.live, : step + 1]) | (step + 1 == rows.steps)
        lengths[rows.live[ended & (lengths[rows.live] == 0)]] = step + 1
        opened = lengths[rows.live] == 0
        if not opened.any():
            break
        if (~opened).sum() * COMPACT_SHARE >= len(rows.live):
            kept, tokens = np.flatnonzero(opened), tokens[opened]
            rows.keep(kept)
            stream.keep(kept)
            if guidance:
                guidance.keep(rows.live)
        stream.step(tokens)
        if guidance:
            guidance.step(tokens, rows.live)
        cache_bytes = max(cache_bytes, stream.bytes + (guidance.bytes if guidance else 0))
    texts = [_completion(batch[row.request], row, rows, i, int(lengths[i]), stopping) for i, row in enumerate(rows.rows)]
    return Decoded(texts, cache_bytes)


def _completion(request: Request, row: Row, rows: Rows, index: int, length: int, stopping: Stopping) -> Completion:
    tokens = rows.tokens[index, :length]
    text, finish = stopping.finish(tokens)
    trace = Trace(
        tokens=tokens,
        entropy=rows.entropy[index, :length],
        temperature=rows.temperature[index, :length],
        probability=rows.probability[index, :length],
    )
    return Completion(request=request.id, setting=row.setting, sample=row.sample, text=text, finish=finish, trace=trace)
