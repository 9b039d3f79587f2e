"""One example of a task: what a model reads and what people wrote."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Example:
    """A prompt with its references.

    ``evidence`` is the part of the prompt that holds the source (the document, the passage).
    It stands in ``prompt`` word for word, so that a method which compares the model with and
    without its source (KL-guided temperature) can take it out. ``check`` is a program of tests, where the output is to be
    run: it must end without an error behind prompt and output.
    """

    id: str
    prompt: str
    references: tuple[str, ...]
    evidence: str | None = None
    check: str | None = None

    def __post_init__(self) -> None:
        if not self.prompt:
            raise ValueError(f"example {self.id}: prompt is empty")
        if not self.references or not all(r.strip() for r in self.references):
            raise ValueError(f"example {self.id}: references must hold at least one text, none of them empty")
        if self.evidence is not None and self.evidence not in self.prompt:
            raise ValueError(f"example {self.id}: evidence must stand in the prompt word for word")

    @property
    def prompt_without_evidence(self) -> str:
        """The prompt with its first copy of the evidence removed; the prompt itself if there is none."""
        return self.prompt.replace(self.evidence, "", 1) if self.evidence else self.prompt

    @property
    def without(self) -> str | None:
        """``prompt_without_evidence`` as a request takes it: None where there is no evidence, or nothing is left."""
        return (self.prompt_without_evidence or None) if self.evidence else None
