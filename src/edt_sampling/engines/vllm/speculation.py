"""Speculative decoding under vLLM's V1 runner: it skips installed processors without a word, so requests for a policy are refused."""
# pyright: reportMissingImports=false

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import wraps
from typing import Any

log = logging.getLogger("vllm.edt_sampling")

REFUSED = (
    "edt cannot be had here: under speculative decoding vLLM's V1 runner skips every logits processor; "
    "start the server with VLLM_USE_V2_MODEL_RUNNER=1, or without --speculative-config"
)
_GUARDED: list[type] = []


def guard() -> None:
    """Makes vLLM's front end refuse requests for a policy that its workers would not apply.

    vLLM calls this in each of its processes, as a plug-in of its group ``vllm.general_plugins``; no hook of a processor is told of the
    configuration before a request is taken in. Never raises: what cannot be guarded is logged.
    """
    try:
        from vllm.v1.engine.input_processor import InputProcessor
    except ImportError as error:
        log.warning("edt_sampling: requests for a policy are not refused under speculative decoding (%s)", error)
        return
    if InputProcessor in _GUARDED:
        return
    taken_in = InputProcessor.process_inputs

    @wraps(taken_in)
    def process_inputs(self: Any, *args: Any, **kwargs: Any) -> Any:
        if skips(self.vllm_config):
            refuse((*args, *kwargs.values()))
        return taken_in(self, *args, **kwargs)

    InputProcessor.process_inputs = process_inputs
    _GUARDED.append(InputProcessor)


def skips(vllm_config: Any) -> bool:
    """Whether the runner of this configuration skips installed logits processors."""
    return vllm_config.speculative_config is not None and not getattr(vllm_config, "use_v2_model_runner", False)


def refuse(arguments: Iterable[Any]) -> None:
    """Raises ValueError, which vLLM answers with status 400, where one of these arguments asks for a policy."""
    from vllm import SamplingParams

    from edt_sampling.engines.vllm.asked import asked

    if any(asked(params) is not None for params in arguments if isinstance(params, SamplingParams)):
        raise ValueError(REFUSED)
