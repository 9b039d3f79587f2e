"""Examples as rows of tokens: the prompt, which is read, and the answer, which is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.tasks import Example, Task

IGNORED = -100
"""The label of a token that is not learnt: transformers' own."""


class Row(NamedTuple):
    """Tokens, and the label of each: the token itself where it is learnt, else IGNORED."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True)
class Split:
    """The rows of one split of a task, and what became of its examples."""

    task: str
    split: str
    fingerprint: str
    rows: list[Row]
    left_out: int

    @property
    def answer_tokens(self) -> int:
        """How many tokens are learnt, the end tokens included."""
        return sum(label != IGNORED for row in self.rows for label in row.labels)

    def describe(self) -> dict[str, Any]:
        """What a reader of the result must know of the data."""
        return {
            "fingerprint": self.fingerprint,
            "examples": len(self.rows),
            "left_out": self.left_out,
            "tokens": sum(len(row.input_ids) for row in self.rows),
            "answer_tokens": self.answer_tokens,
        }


def read_split(task: Task, prompts: Prompts, *, limit: int | None, max_length: int | None) -> Split:
    """The first ``limit`` examples of a task as rows; those of more than ``max_length`` tokens are left out, and counted.

    Raises ValueError for an example that the model cannot read, or where no example is left.
    """
    examples = task.examples(limit)
    every = [row_of(example, prompts) for example in examples]
    rows = [row for row in every if max_length is None or len(row.input_ids) <= max_length]
    if not rows:
        shortest = min(len(row.input_ids) for row in every)
        raise ValueError(
            f"max_length: all {len(every)} {task.split} examples of {task.name} are longer than {max_length} tokens (the shortest has "
            f"{shortest}); give a larger one, or shorter prompts"
        )
    return Split(task.name, task.split, task.fingerprint, rows, left_out=len(every) - len(rows))


def row_of(example: Example, prompts: Prompts) -> Row:
    """Prompt, answer and end token, tokenised as for generating and for teacher forcing; the answer is the first reference."""
    prompt, answer = prompts.tokens(example.prompt), prompts.continuation(example.prompt, example.references[0])
    return Row(prompt + answer, [IGNORED] * len(prompt) + answer)


def blanks(rows: Sequence[Row], multiple: int) -> list[Row]:
    """Rows without a label, as many as fill ``rows`` to a multiple: they let every process take part and add nothing to a sum."""
    short = min(rows, key=lambda row: len(row.input_ids)).input_ids[:2]
    return [Row(short, [IGNORED] * len(short))] * (-len(rows) % multiple)
