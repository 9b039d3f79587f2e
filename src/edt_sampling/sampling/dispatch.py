"""The same functions for NumPy arrays and torch tensors: the kind that comes in goes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, NamedTuple, Unpack, cast

import numpy as np

from edt_sampling.policies import Mixture, Policy
from edt_sampling.policies import policy as read_policy
from edt_sampling.sampling import gumbel
from edt_sampling.sampling.contract import KEPT, Backend, Draw
from edt_sampling.sampling.filters import UNFILTERED, Filters
from edt_sampling.sampling.float32 import on
from edt_sampling.sampling.host import host
from edt_sampling.sampling.statistics import Kept

Policies = str | Policy | Sequence[str | Policy]
Kind = Literal["inverse", "gumbel"]


def entropy(logits: Any) -> Any:
    """H = -sum p ln p of softmax(logits), nats: float64 ``[rows]``, or one number for logits ``[vocab]``. -inf masks a token."""
    return _as_given(logits, _backend(logits).statistics(_rows(logits), needs=frozenset({"entropy"})).entropy)


def temperature(logits: Any, policy: Policies, *, filters: Filters | str = UNFILTERED, **given: Unpack[Kept]) -> Any:
    """The temperature that the policy gives each row: float64 ``[rows]``, or one number for logits ``[vocab]``.

    ``policy`` is one for all rows or a list with one a row, each a Policy or its spec string. ``filters`` matter where one
    stands before the temperature and ``entropy_of=filtered``. ``first_entropy``, ``kl`` and ``scheduled`` hold one number a
    row, for the policies that need them.
    """
    rows, backend = _rows(logits), _backend(logits)
    found = backend.temperature(rows, _mixture(policy, backend, rows), filters=_filters(filters), **_kept(given))
    return _as_given(logits, found)


def draw(
    logits: Any,
    policy: Policies,
    *,
    uniform: Any = None,
    filters: Filters | str = UNFILTERED,
    draw: Kind = "inverse",
    key: Any = None,
    **given: Unpack[Kept],
) -> Draw:
    """One token a row from softmax(logits / T), with what its trace records.

    ``logits`` ``[rows, vocab]`` or ``[vocab]``, float16 to float64 or bfloat16, -inf masking a token. ``uniform`` holds one
    number in (0, 1) a row (see ``uniforms``): the token is the first i with cdf_i >= uniform * total, so equal numbers draw
    equal tokens, in NumPy as in torch, alone as in a batch. The other arguments are those of ``temperature``.
    Tokens are int64, the rest float64, on the logits' device.

    ``draw="gumbel"`` draws from the same distribution by other random numbers: the token is the argmax of logits / T plus noise that is
    counted token by token under a ``key`` a row (see ``noise_keys``). It takes no filters, and its probability is NaN. On a CUDA device it
    reads the logits once; elsewhere it is NumPy's in float64, and slow.
    """
    return _drawn(logits, policy, uniform=uniform, filters=filters, kind=draw, key=key, given=given)


def sample(
    logits: Any,
    policy: Policies,
    *,
    uniform: Any = None,
    filters: Filters | str = UNFILTERED,
    draw: Kind = "inverse",
    key: Any = None,
    **given: Unpack[Kept],
) -> Any:
    """The tokens of ``draw``, int64 ``[rows]``, or one number for logits ``[vocab]``."""
    return _drawn(logits, policy, uniform=uniform, filters=filters, kind=draw, key=key, given=given).token


def _drawn(logits: Any, policy: Policies, *, uniform: Any, filters: Filters | str, kind: str, key: Any, given: Kept) -> Draw:
    rows, chosen, kept = _rows(logits), _filters(filters), _kept(given)
    if kind == "gumbel":
        result = _gumbel(rows, policy, key=key, filters=chosen, **kept)
    elif kind == "inverse":
        backend, u = _backend(logits), _between_0_and_1(_column("uniform", uniform))
        result = backend.draw(rows, _mixture(policy, backend, rows), uniform=u, filters=chosen, **kept)
    else:
        raise ValueError(f"draw must be 'inverse' or 'gumbel', got {kind!r}")
    return Draw(*(_as_given(logits, field) for field in result))


def _gumbel(logits: Any, policy: Policies, *, key: Any, filters: Filters, **given: Unpack[Kept]) -> Draw:
    if filters.before or filters.after:
        raise ValueError(f"filters must be none with draw='gumbel', got {filters}: draw='inverse' takes them")
    if key is None:
        raise ValueError("key must hold one number a row with draw='gumbel', got None; noise_keys(seed, request, sample, steps) makes them")
    backend = _backend(logits)
    if _is_torch(logits):
        return cast(Any, backend).gumbel_draw(logits, _mixture(policy, backend, logits), key=key, **given)
    return gumbel.draw(logits, _mixture(policy, backend, logits), key=np.atleast_1d(key), **given)


def numpy_backend() -> Backend:
    """The backend for NumPy arrays: fast in float32 where numba is installed and not switched off, the oracle otherwise."""
    return cast(Backend, import_module("edt_sampling.sampling.numba" if on("numba") else "edt_sampling.sampling.reference"))


def _backend(logits: Any) -> Backend:
    if isinstance(logits, np.ndarray):
        return numpy_backend()
    if _is_torch(logits):
        return cast(Backend, import_module("edt_sampling.sampling.torch"))
    raise TypeError(f"logits must be a NumPy array or a torch tensor, got {type(logits).__module__}.{type(logits).__qualname__}")


def _is_torch(value: Any) -> bool:
    """Whether a value is a torch tensor, told without importing torch."""
    return any(kind.__module__ == "torch" and kind.__name__ == "Tensor" for kind in type(value).__mro__)


def _rows(logits: Any) -> Any:
    """Logits as ``[rows, vocab]``: a lone row gets an axis in front."""
    return logits[None] if getattr(logits, "ndim", None) == 1 else logits


def _as_given(logits: Any, column: Any) -> Any:
    """A result for every row, or the only one's where the logits were ``[vocab]``."""
    return column[0] if logits.ndim == 1 else column


def _mixture(policy: object, backend: Backend, rows: Any) -> Mixture:
    if isinstance(policy, str | Policy):
        return _alike(policy, rows.shape[0] if rows.ndim else 0, backend, getattr(rows, "device", None))
    if isinstance(policy, Sequence):
        policies = [read_policy(p) for p in policy]
    else:
        raise TypeError(f"policy must be a Policy, a spec string or a list with one a row, got {type(policy).__qualname__}")
    return backend.mixture(policies, like=rows)


@lru_cache(maxsize=64)
def _alike(policy: str | Policy, rows: int, backend: Backend, device: Any) -> Mixture:
    """One policy for all rows, kept for the next step: to read it and to make its columns takes as long as a row's draw."""
    return backend.mixture([read_policy(policy)] * rows, like=_On(device))


class _On(NamedTuple):
    """As much of logits as a backend must see to put columns beside them."""

    device: Any


@lru_cache(maxsize=64)
def _parsed(filters: str) -> Filters:
    return Filters.parse(filters)


def _filters(filters: object) -> Filters:
    if isinstance(filters, str):
        return _parsed(filters)
    if isinstance(filters, Filters):
        return filters
    raise TypeError(f"filters must be a Filters or its string, got {type(filters).__qualname__}")


def _kept(given: Kept) -> Kept:
    """The statistics that were given, as arrays ``[rows]``."""
    if unknown := sorted(given.keys() - KEPT):
        raise TypeError(f"unexpected argument {unknown[0]!r}: the statistics that can be given are {', '.join(sorted(KEPT))}")
    columns = {name: _column(name, values) for name, values in given.items() if values is not None}
    if "scheduled" in columns:
        _not_negative("scheduled", columns["scheduled"])
    return cast(Kept, columns)


def _column(name: str, values: Any) -> Any:
    """Numbers, one a row, as an array ``[rows]``; a lone number makes one row. None stays None."""
    if values is None:
        return None
    try:
        column = values if _is_torch(values) else np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold one number a row, got {values!r}") from None
    column = column.reshape(1) if column.ndim == 0 else column
    wrong = np.flatnonzero(np.isnan(host(column)))
    if len(wrong):
        raise ValueError(f"{name}: row {wrong[0]} holds NaN")
    return column


def _not_negative(name: str, column: Any) -> None:
    given = host(column)
    wrong = np.flatnonzero(given < 0)
    if len(wrong):
        raise ValueError(f"{name} must be >= 0, row {wrong[0]} holds {float(given.ravel()[wrong[0]])!r}")


def _between_0_and_1(uniform: Any) -> Any:
    if uniform is None:
        raise ValueError("uniform must hold one number in (0, 1) a row, got None; uniforms(seed, request, sample, steps) makes them")
    given = host(uniform)
    wrong = np.flatnonzero((given <= 0) | (given >= 1))
    if len(wrong):
        raise ValueError(f"uniform must be > 0 and < 1, row {wrong[0]} holds {float(given.ravel()[wrong[0]])!r}")
    return uniform
