"""Who answers at a URL: the model that it serves, whether our plug-in runs there, and which fields it takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from openai import APIStatusError

from edt_sampling.engines.fields import SPEC, requested
from edt_sampling.engines.openai.calls import Calls
from edt_sampling.engines.openai.retrying import words

Plugin = Literal["auto", "yes", "no"]
NEUTRAL: Mapping[str, Any] = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
"""A server fills in what a request leaves out from the model's generation config; with these it does not."""
NO_POLICY, A_POLICY = "no-such-policy", "edt:t0=1,theta=0.1"
"""What our plug-in refuses, in words that nobody else uses; and what it takes, where it can work."""
MISSING = "does not run the edt-sampling plug-in: install edt-sampling[vllm] there"
_TOLD = ("id", "root", "parent", "owned_by", "max_model_len")
_TELLING_WEIGHTS = ("id", "root", "parent")


@dataclass(frozen=True, kw_only=True)
class Server:
    """``entry``: what ``/models`` tells of the model. ``refuses``: why policies do not run there, None where they do. ``extras``: whether
    it takes the fields that vLLM adds to OpenAI's; ``logprobs``: whether, without these, it tells probabilities."""

    url: str
    model: str
    entry: Mapping[str, Any] = field(default_factory=dict[str, Any])
    refuses: str | None = MISSING
    extras: bool = True
    logprobs: bool = False

    @property
    def fingerprint(self) -> str:
        """Of the model's name and of where its weights came from, as the server tells it: other weights under them go unseen."""
        told = {name: self.entry.get(name) for name in _TELLING_WEIGHTS} | {"id": self.model}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def telling(self) -> Mapping[str, Any]:
        """Fields that make it tell the tokens of a text."""
        return {"return_token_ids": True} if self.extras else {"logprobs": 0} if self.logprobs else {}


def find_server(calls: Calls, *, url: str, model: str, plugin: Plugin, chat: bool) -> Server:
    """The server at a URL, asked for its models, and for a text of one token with fields that few take.

    Raises:
        ValueError: it does not serve the model, or refuses so plain a request; ConnectionError: it does not answer.
    """
    server = Server(url=url, model=model, entry=_entry(calls, url, model))
    if plugin == "yes":
        return replace(server, refuses=None)

    def refusal(fields: Mapping[str, Any], policy: str | None = None) -> str | None:
        return _refusal(calls, {**fields, **({"vllm_xargs": {SPEC: policy}} if policy else {})}, chat)

    extras = {**NEUTRAL, **server.telling}
    said = refusal(extras, NO_POLICY if plugin == "auto" else None)
    if said and _is_ours(said):
        said = refusal(extras, A_POLICY)
        return replace(server, refuses=said and f"runs the edt-sampling plug-in, which cannot work there: {said}")
    if said is None or refusal(extras) is None:
        return server
    plain = replace(server, extras=False, logprobs=True)
    return replace(plain, logprobs=refusal(plain.telling) is None)


def _entry(calls: Calls, url: str, model: str) -> dict[str, Any]:
    """What the server tells of the model; nothing where it lists none."""
    served = calls.models()
    if served and model not in [one.get("id") for one in served]:
        raise ValueError(f"model {model!r} is not served at {url}: it serves {', '.join(str(one.get('id')) for one in served)}")
    return next(({name: one[name] for name in _TOLD if name in one} for one in served if one.get("id") == model), {})


def _refusal(calls: Calls, fields: Mapping[str, Any], chat: bool) -> str | None:
    """What the server says against these fields; None where it takes them."""
    prompt = [{"role": "user", "content": "a"}] if chat else "a"
    try:
        calls.ask(prompt, {"max_tokens": 1, "temperature": 1.0, **fields}).result()
    except ValueError as error:
        cause = error.__cause__
        if isinstance(cause, APIStatusError) and cause.status_code in (400, 422):
            return words(cause)
        raise
    return None


def _is_ours(refusal: str) -> bool:
    """Whether these are the plug-in's words; what follows the name lists the policies there, which may be others than here."""
    try:
        requested({SPEC: NO_POLICY}, temperature=1.0)
    except ValueError as error:
        return str(error).partition(";")[0] in refusal
    raise AssertionError(f"{NO_POLICY} is a policy")


def shown(url: str) -> str:
    """The URL as far as it may be shown and stored: without credentials. Raises ValueError for what is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url must be a URL such as http://localhost:8000/v1, got {url!r}")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")
