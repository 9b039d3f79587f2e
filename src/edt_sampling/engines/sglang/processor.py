"""EDT, and every policy that reads a step's logits, as a custom logit processor of SGLang."""
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import torch
from sglang.srt.sampling.custom_logit_processor import CustomLogitProcessor
from torch import Tensor

from edt_sampling.engines.fields import SPEC, requested
from edt_sampling.policies import Policy
from edt_sampling.sampling.contract import check_kept
from edt_sampling.sampling.torch import mixture
from edt_sampling.sampling.torch_tempering import Tempering, temper_


class EDTLogitProcessor(CustomLogitProcessor):
    """Tempers the rows whose ``custom_params`` hold our fields, and leaves the others bit for bit.

    SGLang calls it behind penalties, logit bias and grammar masks and before its own temperature, top-k, top-p and min-p, with a row and
    its ``custom_params`` for each request that names it, or for each drafted token of one. It may be called twice a step; it keeps no
    state. Its ``to_str()`` names the class and does not hold it: the server's environment needs this package, too.
    """

    def __call__(self, logits: Tensor, custom_param_list: Sequence[dict[str, Any] | None] | None = None) -> Tensor:
        """The logits ``[rows, vocab]``, tempered in place. A request whose fields say no policy is ended with status 400."""
        found = [(row, *asked) for row, params in enumerate(custom_param_list or ()) if params and (asked := _asked(params))]
        if not found:
            return logits
        rows, policies, temperatures = zip(*found, strict=True)
        index = torch.tensor(rows, device=logits.device)
        chosen = logits[index]
        self.temper(chosen, policies, coming=temperatures)
        logits[index] = chosen
        return logits

    def temper(self, logits: Tensor, policies: Sequence[Policy], *, coming: Sequence[float]) -> Tempering:
        """Tempers the logits in place; each row's H and T. Everything that this class does to logits passes through here."""
        return temper_(logits, mixture(policies, like=logits), coming=torch.tensor(coming, device=logits.device))


def _asked(params: dict[str, Any]) -> tuple[Policy, float] | None:
    """A request's policy and SGLang's own temperature; None where it asks for none, is greedy, or asks for what cannot be had."""
    request = params["__req__"]  # SGLang adds the request to its custom_params
    sampling = request.sampling_params
    if sampling.top_k <= 1:  # SGLang's greedy: temperature 0 has become 1 by now
        return None
    try:
        policy = _policy({name: value for name, value in params.items() if name.startswith(SPEC)}, sampling.temperature)
    except ValueError as error:
        _end(request, str(error))  # an exception here would end the server
        return None
    return None if policy is None else (policy, sampling.temperature)


def _policy(fields: dict[str, Any], temperature: float) -> Policy | None:
    if len(fields) == 1 and type(value := next(iter(fields.values()))) in (str, float, int):
        return _of_field(next(iter(fields)), value, temperature)
    return _checked(requested(fields, temperature=temperature))


@lru_cache(maxsize=1024, typed=True)
def _of_field(name: str, value: str | float, temperature: float) -> Policy | None:
    """Kept, for it is asked at every step of every request."""
    return _checked(requested({name: value}, temperature=temperature))


def _checked(policy: Policy | None) -> Policy | None:
    if policy is not None:
        check_kept([policy], frozenset(), keeper="the SGLang plug-in")
    return policy


def _end(request: Any, message: str) -> None:
    """Has SGLang end a request behind this step, as one that was wrong from the start."""
    from sglang.srt.managers.schedule_batch import FINISH_ABORT

    request.to_finish = FINISH_ABORT(message, HTTPStatus.BAD_REQUEST, "BadRequestError")
