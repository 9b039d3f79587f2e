"""Traces and teacher-forced steps as bytes: arrays one after the other, little-endian, four bytes an entry."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.protocol import Forced, Trace

Steps = npt.NDArray[np.float32]


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
