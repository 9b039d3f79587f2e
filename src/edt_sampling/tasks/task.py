"""What a task is: a name, a split, and examples in an order of which every prefix is a fair sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from edt_sampling.tasks.card import Card
from edt_sampling.tasks.example import Example


class Task(ABC):
    """Examples to run a model on.

    ``notice`` is one line that a caller should show before it asks for anything else, where reading takes long; mostly None.
    ``metrics`` are the metric specs that fit its texts, as a recipe names them; the first that reads references is the primary one.
    ``card`` says what it is to people who choose one.
    """

    name: str
    split: str
    notice: str | None = None
    metrics: tuple[str, ...] = ("rouge_l", "self_bleu", "distinct_n:n=2", "eda", "length")
    card: Card | None = None

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hexadecimal digits that change whenever the examples do."""

    @abstractmethod
    def read(self, limit: int | None) -> Sequence[Example]:
        """The first ``limit`` examples, or all of them if there are fewer or ``limit`` is None."""

    def examples(self, limit: int | None = None) -> list[Example]:
        """The first ``limit`` examples (at most; all by default). Raises ValueError where they are not what they should be."""
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be >= 1, got {limit}")
        return list(self.read(limit))

    def facts(self) -> Mapping[str, str]:
        """What else a reader may want to know of this split, by name, such as its size and what was left out of it; may read it."""
        return {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} split={self.split} {self.fingerprint}>"
