"""Spec strings: ``edt:t0=0.8,theta=0.2``, one notation for a policy everywhere."""

from __future__ import annotations

from dataclasses import fields

from edt_sampling.policies.policy import Policy
from edt_sampling.policies.table import POLICIES


def policy(spec: str | Policy, *, t0: float | None = None) -> Policy:
    """The policy that a spec string says: its name, then ``:`` and its parameters as ``name=number``, split by commas.

    A policy is returned as it is. ``policy(str(p)) == p`` for every policy p. Where a spec leaves out ``t0``, and its policy has one, the
    argument of that name stands in for it: an engine's own temperature.
    Raises ValueError naming the unknown policy, the unknown, missing or repeated parameter, or the value out of its interval.
    """
    if isinstance(spec, Policy):
        return spec
    name, _, rest = spec.strip().partition(":")
    kind, given = POLICIES.find(name.strip()), _parameters(rest, spec)
    own = {} if t0 is None or "t0" not in {f.name for f in fields(kind)} else {"t0": t0}
    return kind.from_parameters(own | given)


def _parameters(text: str, spec: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key:
            raise ValueError(f"policy {spec!r}: expected name=number, got {item!r}")
        if key in found:
            raise ValueError(f"policy {spec!r}: {key} is given twice")
        try:
            found[key] = float(value)
        except ValueError:
            raise ValueError(f"policy {spec!r}: {key} must be a number, got {value!r}") from None
    return found
