"""A chain of llama.cpp's samplers around a policy: our filters in our order, and a draw, ours or llama.cpp's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np

from edt_sampling.engines.llama_cpp.candidates import Candidates, fill
from edt_sampling.engines.llama_cpp.counted import RANDOM
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.llama_cpp.sampler import DrawingSampler, Native, PolicySampler
from edt_sampling.engines.llama_cpp.text import Steps
from edt_sampling.policies import Policy
from edt_sampling.sampling.filters import UNFILTERED, Filtering, Filters, MinP, Temperature, TopK, TopNSigma, TopP, Typical
from edt_sampling.sampling.float32 import knows

Drawn = Literal["counted", "dist"]
"""Who draws: our sampler, with counted random numbers, or llama.cpp's ``dist``."""
FILTERS: dict[type[Any], Callable[[Any], Native]] = {
    TopK: lambda step: llama_cpp.llama_sampler_init_top_k(step.k),
    TopP: lambda step: llama_cpp.llama_sampler_init_top_p(step.p, 1),
    MinP: lambda step: llama_cpp.llama_sampler_init_min_p(step.p, 1),
    TopNSigma: lambda step: llama_cpp.llama_sampler_init_top_n_sigma(step.n),
    Typical: lambda step: llama_cpp.llama_sampler_init_typical(step.p, 1),
}
"""llama.cpp's own samplers for our filters; each keeps at least one token."""


class Chain:
    """``before``, then the steps of ``filters`` with the policy where its temperature stands, then a draw.

    ``filters`` is our notation: ``temperature,top_p=0.95`` tempers first, ``top_p=0.95,temperature,entropy_of=filtered`` last, as
    llama.cpp's own programs do. ``before`` are native samplers, such as penalties and grammars, which the chain takes over: they are freed
    with it, and it with this object. The draw is that of ``DrawingSampler``, which truncates too, or with ``draw="dist"``, and behind
    filters that only llama.cpp has fast, that of ``dist``: the same distribution, other random numbers.
    """

    def __init__(
        self,
        policy: str | Policy,
        *,
        filters: str | Filters = UNFILTERED,
        before: Sequence[Native] = (),
        seed: int = RANDOM,
        draw: Drawn = "counted",
    ) -> None:
        self.filters = Filters.parse(filters) if isinstance(filters, str) else filters
        check_order(self.filters)
        check_draw(draw)
        self._behind = Filters(self.filters.after)
        self._draws = draw == "counted" and knows(self._behind)
        self._sampler = DrawingSampler(policy, filters=self._behind, seed=seed) if self._draws else PolicySampler(policy)
        self.native = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for sampler in (*before, *self._steps(seed)):
            llama_cpp.llama_sampler_chain_add(self.native, sampler)

    def _steps(self, seed: int) -> list[Native]:
        steps = [*map(_native, self.filters.before), self._sampler.native()]
        return steps if self._draws else [*steps, *map(_native, self.filters.after), llama_cpp.llama_sampler_init_dist(seed)]

    @property
    def names(self) -> list[str]:
        """The steps' names, as llama.cpp gives them."""
        return chain_names(self.native)

    @property
    def steps(self) -> Steps:
        """H and T of each step so far."""
        return self._sampler.steps

    def sample(self, context: Native, *, row: int = -1) -> int:
        """The token drawn from a context's logits, those of the last token where ``row`` is -1; it is accepted."""
        token = llama_cpp.llama_sampler_sample(self.native, context, row)
        self._sampler.check()
        return token

    def apply(self, logits: np.ndarray) -> Candidates:
        """What the chain leaves of logits ``[vocab]``, tempered, and the token that it draws; nothing is accepted."""
        candidates = Candidates(logits)
        llama_cpp.llama_sampler_apply(self.native, candidates.array)
        self._sampler.check()
        if self._draws and candidates.array.size:
            fill(candidates.left, temperature=float(self.steps.temperature[-1]), filters=self._behind)
        return candidates

    def accept(self, token: int) -> None:
        """Goes on to the next step with this token."""
        llama_cpp.llama_sampler_accept(self.native, token)

    def reset(self) -> None:
        """Begins another text."""
        llama_cpp.llama_sampler_reset(self.native)

    def __del__(self) -> None:
        if getattr(self, "native", None):
            llama_cpp.llama_sampler_free(self.native)


def _native(step: Filtering) -> Native:
    return FILTERS[type(step)](step)


def check_draw(draw: object) -> None:
    """Refuse what names no draw."""
    if draw not in get_args(Drawn):
        raise ValueError(f"draw must be one of {', '.join(get_args(Drawn))}, got {draw!r}")


def check_order(filters: Filters) -> None:
    """Refuse what a chain cannot do: each of its steps sees what the one before left, so a policy reads the filtered distribution."""
    if filters.before and filters.entropy_of == "raw":
        raise ValueError("filters: in llama.cpp's chain a policy behind a filter reads what it left: add entropy_of=filtered")
    for step in filters.steps:
        if not isinstance(step, Temperature) and type(step) not in FILTERS:
            known = ", ".join(kind.name for kind in FILTERS)
            raise ValueError(f"filters: llama.cpp's chain has {known}, got {step.name}: leave it out, or use another engine")


def chain_names(chain: Native, *, start: int = 0) -> list[str]:
    """The names of a native chain's steps in order, from this one on."""
    return [sampler_name(llama_cpp.llama_sampler_chain_get(chain, i)) for i in range(start, llama_cpp.llama_sampler_chain_n(chain))]


def sampler_name(sampler: Native) -> str:
    """A native sampler's name, as llama.cpp gives it."""
    return llama_cpp.llama_sampler_name(sampler).decode()
