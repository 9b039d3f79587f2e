"""The fields ``edt`` and ``edt_theta`` of a ``GenerationConfig``, honoured by ``generate`` and by continuous batching."""

from __future__ import annotations

from functools import wraps
from typing import Any

from transformers import GenerationConfig, GenerationMixin, LogitsProcessorList

from edt_sampling.engines.fields import SPEC, THETA, requested
from edt_sampling.engines.transformers.continuous_batching import serve_per_request
from edt_sampling.engines.transformers.generation_config import WARPERS
from edt_sampling.engines.transformers.processor import PolicyLogitsProcessor


def honour_fields() -> None:
    """From now on, in this process, every model samples by the policy that its ``GenerationConfig(edt="edt:theta=0.2")`` asks for.

    The policy comes behind penalties and the user's own processors and before transformers' temperature, top-k and top-p, which stay in
    force; a t0 that is left out is the config's ``temperature``, and so is the whole of it where ``do_sample`` is off: greedy stays greedy.
    """
    mixin: Any = GenerationMixin
    original = mixin._get_logits_processor
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def with_policy(self: Any, generation_config: GenerationConfig, *args: Any, **options: Any) -> LogitsProcessorList:
        found = original(self, generation_config, *args, **options)
        if processor := policy_processor(generation_config):
            place = next((i for i, p in enumerate(found) if isinstance(p, WARPERS)), len(found))
            found.insert(place, processor)
        return found

    mixin._get_logits_processor = with_policy
    serve_per_request()


def policy_processor(config: GenerationConfig) -> PolicyLogitsProcessor | None:
    """The processor that a config asks for; None where it asks for none, or does not sample."""
    temperature = 1.0 if config.temperature is None else config.temperature
    policy = requested(fields_of(config), temperature=temperature)
    return PolicyLogitsProcessor(policy, coming=temperature) if policy and config.do_sample and temperature > 0 else None


def fields_of(config: GenerationConfig) -> dict[str, Any]:
    """Our fields of a config, those that are set."""
    given = {name: getattr(config, name, None) for name in (SPEC, THETA)}
    return {name: value for name, value in given.items() if value is not None}
