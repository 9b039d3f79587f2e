"""Entropy-based dynamic temperature at the level of a whole output: an output's entropy in the place of a step's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from edt_sampling.policies.edt import damped
from edt_sampling.policies.parameter import parameter
from edt_sampling.policies.policy import Policy

# How arXiv 2403.14541 aggregates an output's entropy for its instance level is not published: these four are our readings of it.


@dataclass(frozen=True, kw_only=True)
class InstanceEDT(Policy):
    """T = t0 * base ** (theta / H1), H1 the entropy of the output's first token in nats, for every token of the output.

    Source: the instance level of arXiv 2403.14541, with the first step's entropy as the output's: our reading.
    """

    name: ClassVar[str] = "instance-edt"
    needs: ClassVar[frozenset[str]] = frozenset({"first_entropy"})

    t0: float = parameter(at_least=0)
    theta: float = parameter(at_least=0)
    base: float = parameter(above=0, below=1, default=0.8)

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.first_entropy, p, xp)


@dataclass(frozen=True, kw_only=True)
class PromptEDT(InstanceEDT):
    """T = t0 * base ** (theta / Hp), Hp the mean entropy in nats of the distributions over the prompt's own tokens, its first one excepted:
    how surprising the model finds this kind of prompt.

    A prompt of a single token has no such distribution: there Hp is the entropy of what follows it.
    Source: the instance level of arXiv 2403.14541, with the prompt's entropy as the output's: our reading.
    """

    name: ClassVar[str] = "instance-edt-prompt"
    needs: ClassVar[frozenset[str]] = frozenset({"prompt_entropy"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.prompt_entropy, p, xp)


@dataclass(frozen=True, kw_only=True)
class DraftEDT(InstanceEDT):
    """T = t0 * base ** (theta / Hd), Hd the mean entropy in nats over the steps of a greedy draft of the output, decoded first.

    Source: the instance level of arXiv 2403.14541, with a greedy draft's entropy as the output's: our reading.
    """

    name: ClassVar[str] = "instance-edt-draft"
    needs: ClassVar[frozenset[str]] = frozenset({"draft_entropy"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.draft_entropy, p, xp)


@dataclass(frozen=True, kw_only=True)
class RunningEDT(InstanceEDT):
    """T = t0 * base ** (theta / Hr), Hr the mean entropy in nats over the output's steps so far, the present one included.

    It begins as ``edt`` and settles as the text grows. Source: between the two levels of arXiv 2403.14541; ours.
    """

    name: ClassVar[str] = "instance-edt-running"
    needs: ClassVar[frozenset[str]] = frozenset({"running_entropy"})

    @staticmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        return damped(s.running_entropy, p, xp)
