"""The policy that a request to vLLM asks for."""

from __future__ import annotations

from typing import Any

from edt_sampling.engines.fields import requested
from edt_sampling.policies import Policy
from edt_sampling.sampling.contract import check_kept


def asked(params: Any) -> Policy | None:
    """The policy in the ``extra_args`` of vLLM's SamplingParams, None where there is none; a t0 left out is the request's temperature.

    Raises ValueError, in one line, for fields that say no policy, and for a policy that needs what a step's logits do not hold.
    """
    policy = requested(params.extra_args, temperature=params.temperature)
    if policy is not None:
        check_kept([policy], frozenset(), keeper="the vLLM plug-in")
    return policy
