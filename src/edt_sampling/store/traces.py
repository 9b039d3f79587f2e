"""Traces, teacher-forced steps and readings as bytes: arrays one after the other, little-endian."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.protocol import Forced, Reading, Trace

Steps = npt.NDArray[np.float32]
_READ = ("entropy", "max_probability", "margin", "varentropy", "probability")


class ForcedSteps(NamedTuple):
    """A reference under each setting, ``[settings, tokens]``, reals rounded to float32; see ``Forced``."""

    entropy: Steps
    temperature: Steps
    tempered_entropy: Steps
    nll: Steps


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


def pack_forced(forced: Forced) -> bytes:
    """The four arrays of ``ForcedSteps``: 16 bytes a setting and token."""
    return np.stack([getattr(forced, name) for name in ForcedSteps._fields]).astype("<f4").tobytes()


def unpack_forced(blob: bytes, settings: int) -> ForcedSteps:
    """The steps of ``pack_forced`` of so many settings."""
    return ForcedSteps(*np.frombuffer(blob, dtype="<f4").reshape(4, settings, -1))


def pack_reading(reading: Reading) -> bytes:
    """The number of tokens, tokens and ranks as int32, the five reals as float64 (what 1 less a probability near 1 is, float32 does not
    know), then ``best`` as int32 and ``watched`` as float32: 4 bytes, and 48 + 8 a width for each token."""
    whole = [np.asarray(part).astype("<i4").tobytes() for part in ([len(reading.tokens)], reading.tokens, reading.rank)]
    reals = np.stack([getattr(reading, name) for name in _READ]).astype("<f8").tobytes()
    return b"".join([*whole, reals, np.asarray(reading.best).astype("<i4").tobytes(), np.asarray(reading.watched).astype("<f4").tobytes()])


def unpack_reading(blob: bytes) -> Reading:
    """The reading of ``pack_reading``, ``watched`` rounded to float32."""
    length = int(np.frombuffer(blob, dtype="<i4", count=1)[0])
    tokens, rank = np.frombuffer(blob, dtype="<i4", offset=4, count=2 * length).reshape(2, length)
    reals = np.frombuffer(blob, dtype="<f8", offset=4 + 8 * length, count=5 * length).reshape(5, length)
    begin = 4 + 48 * length
    wide = (len(blob) - begin) // 8
    best = np.frombuffer(blob, dtype="<i4", offset=begin, count=wide).reshape(length, -1)
    watched = np.frombuffer(blob, dtype="<f4", offset=begin + 4 * wide).reshape(length, -1)
    return Reading(tokens=tokens, rank=rank, best=best, watched=watched, **dict(zip(_READ, reals, strict=True)))
