"""What every policy is: a few numbers and a formula from row statistics to a temperature."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, fields
from typing import Any, ClassVar, Self

from edt_sampling.policies.parameter import checked


class Policy(ABC):
    """A frozen, keyword-only dataclass of numbers with a ``formula``.

    ``name`` begins its spec string; ``needs`` names the row statistics that the formula reads:

    ==================  ==========================================================================
    ``entropy``         H = -sum p ln p of the row, nats
    ``max_probability``  the largest p of the row
    ``support``         how many tokens of the row are not masked
    ``margin``          the largest p less the second largest
    ``varentropy``      the variance of -ln p under p, nats squared
    ``first_entropy``   the entropy of the first generated token's distribution, kept by the engine
    ``running_entropy``  the mean entropy of the text's distributions so far, kept by the engine
    ``prompt_entropy``  the mean entropy of the distributions over the prompt, kept by the engine
    ``draft_entropy``   the mean entropy over a greedy draft of the text, kept by the engine
    ``kl``              KL divergence to the distribution without the evidence, kept by the engine
    ``scheduled``       the temperature that the request gives this step, handed on by the engine
    ==================  ==========================================================================
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]]

    @staticmethod
    @abstractmethod
    def formula(s: Any, p: Any, xp: Any) -> Any:
        """The temperatures ``[rows]`` of statistics ``s`` under parameters ``p``.

        ``s`` has an attribute for each statistic in ``needs``, ``p`` one for each field; all are arrays ``[rows]``
        of the module ``xp`` (``numpy``, ``torch``, ``mlx.core``). Pure: row i of the result depends on row i alone.
        """

    def __post_init__(self) -> None:
        for spec in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, spec.name, checked(self.name, spec, getattr(self, spec.name)))

    def __str__(self) -> str:
        """The spec string, parameters at their defaults left out; ``edt_sampling.policy`` reads it back."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]  # type: ignore[arg-type]
        return f"{self.name}:{','.join(f'{name}={_shortest(value)}' for name, value in given)}" if given else self.name

    @classmethod
    def from_parameters(cls, parameters: dict[str, float]) -> Self:
        """The policy with these parameters; unknown and missing ones are named."""
        known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
        unknown = [name for name in parameters if name not in known]
        missing = [name for name, f in known.items() if f.default is MISSING and name not in parameters]
        if unknown or missing:
            problem = f"has no parameter {unknown[0]!r}" if unknown else f"needs {' and '.join(missing)}"
            raise ValueError(f"policy {cls.name} {problem}; its parameters: {cls.describe()}")
        return cls(**parameters)

    @classmethod
    def describe(cls) -> str:
        """Each parameter with its interval and default, on one line; ``none`` where there are none."""
        described = [
            f"{f.name} ({f.metadata['interval']}{'' if f.default is MISSING else f', default {f.default:g}'})"
            for f in fields(cls)  # type: ignore[arg-type]
        ]
        return ", ".join(described) or "none"


def _shortest(value: float) -> str:
    """The shortest decimal that reads back as the same float."""
    return short if float(short := f"{value:g}") == value else repr(value)
