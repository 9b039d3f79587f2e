"""A trace as bytes: its four arrays one after the other, little-endian, four bytes an entry."""

from __future__ import annotations

import numpy as np

from edt_sampling.protocol import Trace


def pack(trace: Trace) -> bytes:
    """Tokens as int32, then entropy, temperature and probability as float32: 16 bytes a token."""
    reals = np.stack([trace.entropy, trace.temperature, trace.probability]).astype("<f4")
    return np.asarray(trace.tokens).astype("<i4").tobytes() + reals.tobytes()


def unpack(blob: bytes) -> Trace:
    """The trace of ``pack``, its reals rounded to float32."""
    length = len(blob) // 16
    tokens = np.frombuffer(blob, dtype="<i4", count=length)
    entropy, temperature, probability = np.frombuffer(blob, dtype="<f4", offset=4 * length).reshape(3, length)
    return Trace(tokens=tokens, entropy=entropy, temperature=temperature, probability=probability)
