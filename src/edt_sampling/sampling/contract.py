"""What every backend keeps: its functions, its limits, and the words of its errors.

A backend is a module with the functions of ``Backend``, for one kind of array.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, Unpack

from edt_sampling.policies import Mixture, Policy
from edt_sampling.sampling.filters import Filters
from edt_sampling.sampling.statistics import Kept, Statistics

COLDEST = 1e-4
"""Temperatures below this are greedy; no larger inverse temperature is multiplied with."""
HOTTEST = 1e300
"""An infinite temperature is taken as this one: the tokens that are not masked become equally likely."""
LEAST = -700.0
"""A token exp(LEAST) times as likely as the best one, or less, has weight 0."""
RAREST = 1e-7
"""KL divergences clip probabilities to this from below, as the code of arXiv 2306.01286 does."""
ROUNDING = 1e-12
"""Top-p asks for p * (1 - ROUNDING) of the mass, so that the last bit of a sum does not add a token: 3 of 30 equal ones make 0.1."""

ALWAYS = frozenset({"entropy", "max_probability", "support"})
COMPUTED = ALWAYS | {"margin", "varentropy"}
"""The statistics of a row of logits; those beyond ``ALWAYS`` are computed where they are needed."""
KEPT = Kept.__optional_keys__
READ = KEPT - {"allowed_surprise"}
"""Those of them that policies read."""


class Draw(NamedTuple):
    """What one step returns, arrays ``[rows]``: the token, and what its trace records.

    ``entropy`` (nats) of the distribution the policy read, ``temperature`` it gave, ``probability`` of the token drawn after
    temperature and filters: 1 where the row was greedy.
    """

    token: Any
    entropy: Any
    temperature: Any
    probability: Any


class Tempered(NamedTuple):
    """What temperatures make of given tokens, arrays ``[settings, rows]``: both in nats, of softmax(logits / T) without any filter.

    ``entropy``, and ``nll``, -ln of the token's probability: infinite for a masked token alone.
    """

    entropy: Any
    nll: Any


class Backend(Protocol):
    """The functions of a backend; ``logits`` are ``[rows, vocab]``, a ``mixture`` holds one policy a row."""

    def mixture(self, policies: Sequence[Policy], *, like: Any) -> Mixture: ...

    def statistics(self, logits: Any, *, filters: Filters = ..., needs: frozenset[str] = ...) -> Statistics: ...

    def temperature(self, logits: Any, mixture: Mixture, *, filters: Filters = ..., **given: Unpack[Kept]) -> Any: ...

    def temperature_at(self, read: Statistics, mixture: Mixture, **given: Unpack[Kept]) -> Any: ...

    def draw(self, logits: Any, mixture: Mixture, *, uniform: Any, filters: Filters = ..., **given: Unpack[Kept]) -> Draw: ...

    def tempered(self, logits: Any, tokens: Any, temperatures: Any) -> Tempered: ...

    def divergence(self, logits: Any, without: Any) -> Any: ...


def check_shape(shape: Sequence[int]) -> None:
    """Refuse what is not ``[rows, vocab]`` with a vocabulary."""
    if len(shape) != 2:
        raise ValueError(f"logits must be [rows, vocab], got shape {tuple(shape)}")
    if not shape[1]:
        raise ValueError(f"logits must hold at least one token a row, got shape {tuple(shape)}")


def check_column(name: str, shape: Sequence[int], rows: int) -> None:
    """Refuse a column that does not hold one number a row."""
    if tuple(shape) != (rows,):
        held = f"{shape[0]} numbers" if len(shape) == 1 else f"shape {tuple(shape)}"
        raise ValueError(f"{name} must hold one number a row: it holds {held}, logits {rows} rows")


def check_mixture(mixture: Mixture, rows: int, given: frozenset[str]) -> None:
    """Refuse a mixture of another length, or one that reads a statistic which is neither computed nor given."""
    if len(mixture.policies) != rows:
        raise ValueError(f"policies must be one a row: {len(mixture.policies)} policies, logits {rows} rows")
    if not mixture.needs - COMPUTED - given:
        return
    policy = next(p for p in mixture.policies if p.needs - COMPUTED - given)
    name = min(policy.needs - COMPUTED - given)
    remedy = f"pass {name}=, one number a row" if name in READ else f"known statistics: {', '.join(sorted(COMPUTED | READ))}"
    raise ValueError(f"{policy.name} needs {name}: {remedy}")


def check_allowed(filters: Filters, given: frozenset[str]) -> None:
    """Refuse mirostat where nobody keeps what it allows."""
    if filters.mirostat and "allowed_surprise" not in given:
        raise ValueError("mirostat needs allowed_surprise: pass allowed_surprise=, bits, one number a row (see Mirostat)")


def check_kept(policies: Iterable[Policy], keeps: frozenset[str], *, keeper: str) -> None:
    """Refuse a policy that reads a statistic which is neither computed nor among those that ``keeper`` keeps."""
    for policy in policies:
        if unknown := policy.needs - COMPUTED - keeps:
            raise ValueError(f"policy {policy.name} needs {min(unknown)}, which {keeper} does not keep")


def undefined_temperature(mixture: Mixture, undefined: Sequence[bool]) -> str:
    """The message for the first row whose policy's formula gave no number."""
    row = list(undefined).index(True)
    return f"policy {mixture.policies[row]} gave row {row} the temperature NaN: its formula is undefined at this row's statistics"


def unusable_rows(maxima: Sequence[float]) -> str:
    """The message for rows whose maxima are not finite; at most eight rows are named."""
    faults = [f"row {row} {_fault(m)}" for row, m in enumerate(maxima) if not math.isfinite(m)]
    return "logits: " + ", ".join(faults[:8]) + (f" and {len(faults) - 8} more" if len(faults) > 8 else "")


def _fault(maximum: float) -> str:
    return "holds NaN" if math.isnan(maximum) else "holds +inf" if maximum > 0 else "is -inf throughout: no token is left"
