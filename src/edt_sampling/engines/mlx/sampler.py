"""A sampler for mlx-lm: policy, filters and draw in one, on the device."""

from __future__ import annotations

import mlx.core as mx

from edt_sampling.engines.mlx.rows import TemperedRows
from edt_sampling.engines.one_a_row import Policies
from edt_sampling.sampling.contract import COLDEST
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.mlx_filters import check_filters


class PolicySampler:
    """Draws each row's token under its policy and the filters: ``sampler=`` of mlx-lm's ``generate_step`` and of ``BatchGenerator``.

    ``filters``: top_k, top_p and min_p before or after the temperature, equal tokens by the lower index. ``seed``: random numbers of the
    sampler's own, so that a request's text does not depend on its neighbours'; None for those of ``mx.random.seed``. The rows that come
    are log-probabilities, behind every logits processor, in the model's dtype: of a bfloat16 model they are rounded to 8 bits, and
    ``PolicyLogitsProcessor`` reads the logits themselves. ``rows`` holds the last step's entropy and temperature.
    """

    def __init__(self, policies: Policies, *, filters: Filters | str = UNFILTERED, seed: int | None = None) -> None:
        read = Filters.parse(filters) if isinstance(filters, str) else filters
        check_filters(read, keeper="the MLX sampler")
        self.rows = TemperedRows(policies, filters=read, keeper="the MLX sampler")
        self._key = None if seed is None else mx.random.key(seed)

    def __call__(self, logprobs: mx.array) -> mx.array:
        """The tokens of ``logprobs`` ``[rows, vocab]``, ``[rows]``; at a T below ``COLDEST`` the first maximum, whatever the numbers."""
        drawn = mx.random.categorical(self.rows(logprobs), key=self._next_key())
        temperature = self.rows.temperature
        assert temperature is not None
        return mx.where(temperature < COLDEST, mx.argmax(logprobs, axis=-1), drawn)

    def _next_key(self) -> mx.array | None:
        if self._key is None:
            return None
        self._key, key = mx.random.split(self._key)
        return key
