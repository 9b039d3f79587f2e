"""The second draw, in NumPy and float64: argmax(logits / T + noise), the noise counted token by token.

With Gumbel noise that maximum is a draw from softmax(logits / T) (Gumbel 1954; Maddison, Tarlow, Minka 2014), and it needs no sum over the
vocabulary. This is the plain form in two passes, which ``triton_gumbel`` does in one.
"""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from edt_sampling.policies import Mixture
from edt_sampling.sampling import reference
from edt_sampling.sampling.contract import COLDEST, HOTTEST, Draw, check_column
from edt_sampling.sampling.philox import philox, words
from edt_sampling.sampling.statistics import Kept

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def noise_keys(seed: int, request: Any, sample: Any, steps: int) -> NDArray[np.uint64]:
    """The keys of the noise, one a draw: uint64 ``[..., steps]``, those of a draw's four random words that ``uniforms`` leaves unused.

    The third word is the low half, the fourth the high one; arguments and errors are those of ``philox.words``.
    """
    _, _, low, high = words(seed, request, sample, steps)
    return low | (high << _HALF)


def noise(key: Any, *, vocab: int) -> NDArray[np.float64]:
    """Gumbel noise -ln(-ln u) of each token under each key, float64 ``[..., vocab]``, from -3.13 to 22.88.

    u = (w + 1/2) / 2**32, w word j % 4 of Philox4x32-10 under the key at the counter (j // 4, 0, 0, 0), j the token.
    """
    own = np.asarray(key, np.uint64)[..., None]
    count, nothing = np.arange(-(-vocab // 4), dtype=np.uint64), np.zeros(1, np.uint64)
    drawn = np.stack(philox((count, nothing, nothing, nothing), (own & _LOW, own >> _HALF)), -1)
    flat = drawn.reshape(*drawn.shape[:-2], -1)[..., :vocab]
    return -np.log(-np.log(np.ldexp(flat.astype(np.float64) + 0.5, -32)))


def draw(logits: NDArray[Any], mixture: Mixture, *, key: Any, **given: Unpack[Kept]) -> Draw:
    """One token a row from softmax(logits / T): the first maximum of logits / T + ``noise`` under the row's ``key``.

    A row whose T is below ``COLDEST`` takes its maximum with the lowest index. The probability is NaN: this draw does not compute it.
    Raises ValueError for a row with NaN, +inf or nothing but -inf, and for a statistic that a policy needs and is not given.
    """
    read = reference.statistics(logits, needs=mixture.needs)
    t = reference.temperature_at(read, mixture, **given)
    own = np.asarray(key, np.uint64)
    check_column("key", own.shape, len(logits))
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True).astype(np.float64)
    raised = shifted * (1 / np.clip(t, COLDEST, HOTTEST))[:, None] + noise(own, vocab=logits.shape[1])
    token = np.where(t >= COLDEST, raised.argmax(-1), shifted.argmax(-1))
    return Draw(token, read.entropy, t, np.full(len(token), np.nan))
