"""Temperatures given from outside, one for each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Scheduled(Policy):
    """T = the temperature that the request gives this step; 0 is greedy.

    For ablations, such as EDT with its own temperatures shuffled over tokens: ``Request.schedules`` holds them.
    Source: ours.
    """

    name: ClassVar[str] = "scheduled"
    needs: ClassVar[frozenset[str]] = frozenset({"scheduled"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return s.scheduled
