"""The fields by which a request to any engine asks for a policy: ``{"edt": "edt:theta=0.2"}``, or ``{"edt_theta": 0.2}`` for short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edt_sampling.policies import EDT, Policy, policy

SPEC, THETA = "edt", "edt_theta"


def requested(fields: Mapping[str, Any] | None, *, temperature: float) -> Policy | None:
    """The policy that a request's extra fields ask for, None where they ask for none.

    ``edt`` holds a spec string, ``edt_theta`` the theta of EDT with base 0.8; a t0 that is left out is the request's own ``temperature``.
    Other fields are not ours unless their name begins with ``edt``.

    Raises:
        ValueError: both fields, one that begins like ours and is unknown, or a value that says no policy.
    """
    own = {name: value for name, value in (fields or {}).items() if name.startswith(SPEC)}
    if unknown := sorted(own.keys() - {SPEC, THETA}):
        raise ValueError(f"unknown field {unknown[0]!r}: give {SPEC}, a spec string such as 'edt:theta=0.2', or {THETA}, a number")
    if len(own) == 2:
        raise ValueError(f"{SPEC} and {THETA} say the same thing: give one of them")
    if SPEC in own:
        return _of_spec(own[SPEC], temperature)
    return EDT(t0=temperature, theta=_number(own[THETA])) if THETA in own else None


def _of_spec(spec: object, temperature: float) -> Policy:
    if not isinstance(spec, str):
        raise ValueError(f"{SPEC} must be a spec string such as 'edt:theta=0.2', got {spec!r}")
    return policy(spec, t0=temperature)


def _number(theta: object) -> Any:
    if isinstance(theta, bool) or not isinstance(theta, int | float):
        raise ValueError(f"{THETA} must be a number >= 0, got {theta!r}")
    return theta
