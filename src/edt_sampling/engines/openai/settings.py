"""What a setting is in a request: the server's own fields, and ours for a policy."""

from __future__ import annotations

from typing import Any

from edt_sampling.engines.fields import SPEC
from edt_sampling.engines.openai.server import NEUTRAL, Server
from edt_sampling.policies import Fixed, Policy
from edt_sampling.protocol import Setting
from edt_sampling.sampling.contract import COLDEST, check_kept
from edt_sampling.sampling.filters import Filters, MinP, TopK, TopP


def sampling_fields(setting: Setting, *, server: Server) -> dict[str, Any]:
    """The fields that decode by this setting; what the server would set by itself is neutral.

    Raises:
        ValueError: a policy or a filter that this server cannot do, by name.
    """
    policy, neutral = setting.policy, NEUTRAL if server.extras else {}
    return {**neutral, **_truncation(setting.filters, server), **_policy(policy, server), "temperature": _temperature(policy)}


def _temperature(policy: Policy) -> float:
    """The server's own temperature: of a fixed one all of it, else t0, or 1 where the policy has none; greedy below ``COLDEST``."""
    given = policy.temperature if isinstance(policy, Fixed) else float(getattr(policy, "t0", 1.0))
    return given if given >= COLDEST else 0.0


def _policy(policy: Policy, server: Server) -> dict[str, Any]:
    if isinstance(policy, Fixed):
        return {}
    check_kept([policy], frozenset(), keeper="the plug-in of a server")
    if server.refuses:
        raise ValueError(f"policy {policy.name}: the server at {server.url} {server.refuses}")
    return {"vllm_xargs": {SPEC: str(policy)}}


def _truncation(filters: Filters, server: Server) -> dict[str, Any]:
    """top_p, top_k and min_p; refused where the server would not apply them as these filters say."""
    if filters.before:
        first = filters.before[0].name
        raise ValueError(f"filters {str(filters)!r}: {first} stands before temperature, and a server truncates behind it: move it there")
    if filters.entropy_of != "raw":
        raise ValueError(f"filters {str(filters)!r}: a server's policy reads the entropy as the model gave it: leave out entropy_of")
    found: dict[str, Any] = {}
    for step in filters.after:
        if not isinstance(step, TopK | TopP | MinP):
            raise ValueError(f"filters {str(filters)!r}: a server has top_k, min_p and top_p, and no {step.name}")
        if not server.extras and not isinstance(step, TopP):
            raise ValueError(f"filters {str(filters)!r}: the server at {server.url} has top_p alone, and no {step.name}")
        if "top_p" in found:
            raise ValueError(f"filters {str(filters)!r}: a server applies top_p last: put {step.name} before it")
        found[step.name] = step.k if isinstance(step, TopK) else step.p
    return found
