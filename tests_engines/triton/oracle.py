"""What kernels are held against: rows of every kind, the float64 oracle, and how far float32 may lie from it."""

from __future__ import annotations

import math

import numpy as np
import torch

from edt_sampling import policy
from edt_sampling.sampling import Filters, reference
from edt_sampling.sampling import torch as backend
from edt_sampling.sampling.filters import MinP, TopP

MARGIN = 5e-6
"""Of H (nats), T and each probability, times the logits' standard deviation where that is above 1: what docs/gpu.md says."""
SPECS = (
    "edt:t0=0.7,theta=0.3",
    "fixed:temperature=0.7",
    "udt:t0=0.7,theta=0.1",
    "udt-margin:t0=1,theta=0.2",
    "udt-varentropy:t0=1,theta=0.2",
    "dynatemp:low=0.2,high=1.3",
    "edt:t0=1.4,theta=3",
    "fixed:temperature=0",
)
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
SHAPES = [(7, 1), (7, 2), (7, 127), (99, 128), (7, 129), (7, 4097), (7, 32_000), (1, 151_936), (1, 262_144)]
"""Rows and words. The interpreter takes milliseconds for each tile of 4,096 words, so that large vocabularies have few rows."""


def rows_of_every_kind(rows, vocab, *, seed=0, dtype=torch.float32, scale=3.0):
    """Logits ``[rows, vocab]``: random, nearly flat, tied, masked, peaked, equal, and far apart, by turns."""
    rng = np.random.default_rng([seed, rows, vocab])
    x = rng.normal(0, scale, (rows, vocab))
    for row in range(rows):
        kind = (row + seed) % 7
        if kind == 1:
            x[row] *= 0.01
        elif kind == 2:
            x[row] = np.round(x[row])
        elif kind == 3:
            x[row, 1:][rng.random(vocab - 1) < 0.6] = -np.inf
        elif kind == 4:
            x[row, rng.integers(vocab)] += 8 * scale
        elif kind == 5:
            x[row] = 0.0
        elif kind == 6:
            x[row] *= 4
    return torch.tensor(x + rng.normal(0, 10), dtype=dtype)


def policies(rows, *, like=None, specs=SPECS):
    """Mixed policies, one a row: the oracle's, or those for tensors on the device of ``like``."""
    chosen = [policy(specs[row % len(specs)]) for row in range(rows)]
    return reference.mixture(chosen) if like is None else backend.mixture(chosen, like=like)


def margins(logits):
    """How far each row's numbers may lie from the oracle's, ``[rows]``."""
    x = logits.double().numpy()
    there = np.isfinite(x)
    spread = np.where(there, x, 0).std(-1, where=there)
    return MARGIN * np.maximum(spread, 1)


def close(found, expected, margin, what):
    """Fails where numbers ``[rows]`` are farther apart than each row's margin."""
    away = np.abs(np.asarray(found, np.float64) - np.asarray(expected))
    assert (away <= margin).all(), f"{what}: row {np.argmax(away - margin)} is {away.max():.2e} away"


def nearly(filters, by):
    """The same filters with the thresholds of top-p and min-p moved by a part."""
    steps = [type(step)(min(1.0, step.p * (1 + by))) if isinstance(step, TopP | MinP) else step for step in filters.steps]
    return Filters(tuple(steps))


def acceptable(tokens, logits, mixture, *, uniform, filters, margin, **given):
    """Which rows' tokens the oracle draws at a uniform, or at thresholds of the filters, that lie no farther away than the margin."""
    x, found = logits.double().numpy(), np.zeros(len(tokens), bool)
    for by in (0.0, -margin, margin):
        ends = [
            reference.draw(x, mixture, uniform=np.clip(uniform + move, 1e-12, 1 - 1e-12), filters=nearly(filters, by), **given).token
            for move in (-margin, margin)
        ]
        found |= (ends[0] <= tokens) & (tokens <= ends[1])
    return found


def uniforms(rows, seed=0):
    """Numbers in (0, 1), float64 ``[rows]``, the ends among them."""
    u = np.random.default_rng(seed).random(rows)
    u[:: max(5, rows // 3)] = 1e-9
    u[1 :: max(5, rows // 3)] = 1 - 1e-9
    return u


def spread_bits(values):
    """The bits of a float tensor, so that NaN equals itself."""
    kind = {2: torch.int16, 4: torch.int32, 8: torch.int64}[values.element_size()]
    return values.contiguous().view(kind)


NAN, INF = math.nan, math.inf
