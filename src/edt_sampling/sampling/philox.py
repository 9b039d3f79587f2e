"""Random numbers that are counted, not streamed: each is a function of (seed, request, sample, step) and of nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_ROUNDS = 10


def uniforms(seed: int, request: Any, sample: Any, steps: int) -> NDArray[np.float64]:
    """Numbers in (0, 1), one a draw: float64 ``[..., steps]``, u = (k + 1/2) / 2**52 with k the first 52 bits of ``words``.

    Arguments and errors are those of ``words``.
    """
    first, second, _, _ = words(seed, request, sample, steps)
    k = (first << np.uint64(20)) | (second >> np.uint64(12))
    return np.ldexp(k.astype(np.float64) + 0.5, -52)


def words(seed: int, request: Any, sample: Any, steps: int) -> tuple[Words, Words, Words, Words]:
    """The four random words of each draw, uint64 ``[..., steps]`` each, by Philox4x32-10.

    The key is ``seed`` (64 bits), the counter (low half of ``request``, ``sample``, step, high half of ``request``), steps
    counted from 0. ``request`` (64 bits) and ``sample`` (32 bits) are integers or arrays of them that broadcast to ``[...]``.
    Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
    Raises ValueError naming the argument that is not a whole number of its size.
    """
    key = _whole("seed", seed, 64)
    if key.ndim:
        raise ValueError(f"seed must be one number, got shape {key.shape}")
    requests = _whole("request", request, 64)[..., None]
    samples = _whole("sample", sample, 32)[..., None]
    count = _whole("steps", steps, 32)
    if count.ndim:
        raise ValueError(f"steps must be one number, got shape {count.shape}")
    if samples.shape != requests.shape and 0 not in (samples.ndim - 1, requests.ndim - 1):
        raise ValueError(f"request and sample must be of one shape, got {requests.shape[:-1]} and {samples.shape[:-1]}")
    return philox((requests & _LOW, samples, np.arange(int(count), dtype=np.uint64), requests >> _HALF), (key & _LOW, key >> _HALF))


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[Words, Words]) -> tuple[Words, Words, Words, Words]:
    """Four random 32-bit words for each counter, which broadcast; all words are held in uint64."""
    c0, c1, c2, c3 = np.broadcast_arrays(*counter)
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _KEY_STEPS[0]) & _LOW, (k1 + _KEY_STEPS[1]) & _LOW
    return c0, c1, c2, c3


def _whole(name: str, value: Any, bits: int) -> Words:
    """The value as uint64, or an error that names it."""
    array = np.asarray(value, dtype=object if isinstance(value, int) and not isinstance(value, bool) else None)
    if array.dtype.kind not in "iuO" or (array.dtype.kind == "O" and not isinstance(value, int)):
        raise ValueError(f"{name} must be a whole number, or an array of them, got {value!r}")
    if array.size and (array.min() < 0 or int(array.max()) >> bits):
        raise ValueError(f"{name} must be from 0 to 2**{bits} - 1, got {value!r}")
    return array.astype(np.uint64)
