"""What a server answers, read: the text, what ended it, and as much of each token as it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edt_sampling.engines.openai.retrying import UnfinishedError
from edt_sampling.protocol import Finish, Trace

UNKNOWN = -1
"""The number of a token that the server does not tell."""
GIVEN_UP = {None, "abort", "error"}
"""Why a text ends of which there was to be more: vLLM's words where it is shut down or fails."""


@dataclass(frozen=True)
class Answer:
    """One text. ``tokens`` holds their numbers, ``UNKNOWN`` where these are not told; ``probability`` of each, NaN likewise."""

    text: str
    finish: Finish
    tokens: np.ndarray
    probability: np.ndarray

    @property
    def trace(self) -> Trace:
        """Entropy and temperature, which no server tells, are NaN."""
        unseen = np.full(len(self.tokens), np.nan)
        return Trace(tokens=self.tokens, entropy=unseen, temperature=unseen, probability=self.probability)


def read(answer: Any, *, stops: bool) -> Answer:
    """The only text of an answer to a completion or a chat completion; ``stops``: whether the request named strings to stop at.

    Raises:
        UnfinishedError: the server gave the text up.
        ValueError: the answer is none, ends for an unknown reason, or does not say how many tokens its text has.
    """
    held = answer.to_dict() if hasattr(answer, "to_dict") else {}
    choices = held.get("choices") or []
    if not choices:
        raise ValueError(f"the server answered with no completion: {' '.join(str(answer).split())[:200]!r}")
    choice: dict[str, Any] = choices[0]
    text = choice["message"].get("content") if "message" in choice else choice.get("text")
    finish = _finish(choice, stops)
    tokens, probability = _tokens(choice, held.get("usage") or {})
    return Answer(_whole(text or ""), finish, tokens, probability)


def _finish(choice: Mapping[str, Any], stops: bool) -> Finish:
    """``stop`` where a stop string ended it: by vLLM's ``stop_reason`` or SGLang's ``matched_stop``, else where there are any."""
    reason = choice.get("finish_reason")
    if reason == "length":
        return "length"
    if reason in GIVEN_UP:
        raise UnfinishedError(f"the server ended a text for the reason {reason!r}")
    if reason != "stop":
        raise ValueError(f"finish_reason must be stop or length, the server gave {reason!r}")
    for name in ("stop_reason", "matched_stop"):
        if name in choice:
            return "stop" if isinstance(choice[name], str) else "end"
    return "stop" if stops else "end"


def _tokens(choice: Mapping[str, Any], usage: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers and probabilities of the text's tokens, as far as they are told."""
    logprobs, ids, count = _logprobs(choice.get("logprobs") or {}), choice.get("token_ids"), usage.get("completion_tokens")
    if ids is None:
        length = len(logprobs) if logprobs else count
        if length is None:
            raise ValueError("the server's answer must tell its tokens: token_ids, logprobs or usage.completion_tokens, got none of them")
        ids = [UNKNOWN] * length
    known = np.exp(np.array(logprobs, dtype=np.float64)) if len(logprobs) == len(ids) else np.full(len(ids), np.nan)
    return np.array(ids, dtype=np.int64), known


def _logprobs(found: Mapping[str, Any]) -> list[float]:
    """ln p of each token, NaN where it has none: of a completion's answer, or of a chat completion's."""
    told = [one["logprob"] for one in found["content"]] if found.get("content") else found.get("token_logprobs") or []
    return [np.nan if one is None else one for one in told]


def _whole(text: str) -> str:
    """The text with U+FFFD for halves of surrogate pairs, which JSON can hold and no file can."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
