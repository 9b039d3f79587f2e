"""A chain of llama.cpp's samplers around a policy: our filters in our order, llama.cpp's draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edt_sampling.engines.llama_cpp.candidates import Candidates
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.llama_cpp.sampler import Native, PolicySampler
from edt_sampling.engines.llama_cpp.tempering import Steps
from edt_sampling.policies import Policy
from edt_sampling.sampling.filters import UNFILTERED, Filters, MinP, Step, Temperature, TopK, TopNSigma, TopP, Typical

RANDOM = llama_cpp.LLAMA_DEFAULT_SEED
"""The seed at which llama.cpp takes one of its own."""
FILTERS: dict[type[Any], Callable[[Any], Native]] = {
    TopK: lambda step: llama_cpp.llama_sampler_init_top_k(step.k),
    TopP: lambda step: llama_cpp.llama_sampler_init_top_p(step.p, 1),
    MinP: lambda step: llama_cpp.llama_sampler_init_min_p(step.p, 1),
    TopNSigma: lambda step: llama_cpp.llama_sampler_init_top_n_sigma(step.n),
    Typical: lambda step: llama_cpp.llama_sampler_init_typical(step.p, 1),
}
"""llama.cpp's own samplers for our filters; each keeps at least one token."""


class Chain:
    """``before``, then the steps of ``filters`` with the policy where its temperature stands, then a draw of llama.cpp's.

    ``filters`` is our notation: ``temperature,top_p=0.95`` tempers first, ``top_p=0.95,temperature,entropy_of=filtered`` last, as
    llama.cpp's own programs do. ``before`` are native samplers, such as penalties and grammars, which the chain takes over: they are freed
    with it, and it with this object.
    """

    def __init__(
        self, policy: str | Policy, *, filters: str | Filters = UNFILTERED, before: Sequence[Native] = (), seed: int = RANDOM
    ) -> None:
        self.filters = Filters.parse(filters) if isinstance(filters, str) else filters
        check_order(self.filters)
        self._sampler = PolicySampler(policy)
        self.native = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for sampler in (*before, *(self._native(step) for step in self.filters.steps), llama_cpp.llama_sampler_init_dist(seed)):
            llama_cpp.llama_sampler_chain_add(self.native, sampler)

    def _native(self, step: Step) -> Native:
        return self._sampler.native() if isinstance(step, Temperature) else FILTERS[type(step)](step)

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
        """What the chain leaves of logits ``[vocab]``, and the token that it draws; nothing is accepted."""
        candidates = Candidates(logits)
        llama_cpp.llama_sampler_apply(self.native, candidates.array)
        self._sampler.check()
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
    steps = (llama_cpp.llama_sampler_chain_get(chain, i) for i in range(start, llama_cpp.llama_sampler_chain_n(chain)))
    return [llama_cpp.llama_sampler_name(step).decode() for step in steps]
