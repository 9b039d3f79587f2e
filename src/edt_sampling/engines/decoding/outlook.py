"""Entropies that are known before a text begins: over its prompt, and over a greedy draft of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edt_sampling.policies import Fixed
from edt_sampling.protocol import Completion, Request, Setting

FORESEEN = frozenset({"prompt_entropy", "draft_entropy"})
Draft = Callable[[Request], Completion]


def foreseen(request: Request, prompt_entropy: Callable[[], float], draft: Draft) -> dict[str, float]:
    """Those of ``FORESEEN`` that the request's policies need, by name; ``draft`` decodes a request of one row."""
    needs = frozenset[str]().union(*(setting.policy.needs for setting in request.settings))
    found: dict[str, float] = {}
    if "prompt_entropy" in needs:
        found["prompt_entropy"] = prompt_entropy()
    if "draft_entropy" in needs:
        found["draft_entropy"] = draft_entropy(request, draft)
    return found


def draft_entropy(request: Request, draft: Draft) -> float:
    """The mean entropy (nats) over the steps of a greedy text of the request's prompt, of the request's own length and endings."""
    greedy = Setting(policy=Fixed(temperature=0))
    completion = draft(replace(request, settings=(greedy,), samples=1, schedules={}))
    return float(completion.trace.entropy.mean(dtype="float64"))
