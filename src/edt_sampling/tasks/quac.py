"""QuAC: a passage of Wikipedia, the conversation about it so far and a question in; what people answered as the references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from edt_sampling.tasks.answers import ANSWERABLE, ANSWERABLE_HELP, NO_ANSWER, asked, hint
from edt_sampling.tasks.card import Card
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.hub import CONVERTED, PARAMETERS, data_set
from edt_sampling.tasks.hub_task import HubTask, IntArray, Unit
from edt_sampling.tasks.parameters import choice, count
from edt_sampling.tasks.task import Task
from edt_sampling.tasks.template import ASCII_WORD, LeftOut, Template, cut

if TYPE_CHECKING:
    from edt_sampling.tasks.rows import Rows

_CANNOT_ANSWER = "CANNOTANSWER"  # stands as an answer, and at the end of every passage so that it can be a span of it


class Quac(HubTask):
    """Each turn of a dialogue is an example; ``history`` is how many turns before it are shown, with the answers that were given then.

    * In train a question has the answer that was given, in validation those of several people. As QuAC's own scorer does, we call a
      question unanswerable where at least half of them say so, and else drop those who say so.
    * ``CANNOTANSWER`` never reaches a model: it is taken off the passage, and where it was the answer, ``NO_ANSWER`` stands.
    * With ``max_characters`` the passage is cut at its end, and answers that stand no longer in it are dropped.
    """

    columns: ClassVar[tuple[str, ...]] = (
        *("dialogue_id", "wikipedia_page_title", "section_title", "context"),
        *("turn_ids", "questions", "answers", "orig_answers"),
    )
    template: ClassVar[Template] = Template(
        "Passage about {title}, {section}:\n{evidence}\n\nAnswer the last question with words of the passage.{hint}\n"
        "{history}Q: {question}\nA:"
    )
    own_test: ClassVar[bool] = False
    card = Card(
        about="a Wikipedia passage, a conversation about it and its next question in; what people answered as the references",
        source="allenai/quac on the Hugging Face hub (Choi et al. 2018), read from refs/convert/parquet",
        splits="its test set is hidden: validation is cut by a hash of the article, a third to dev and two thirds to test",
        offline=False,
        parameters={
            "answerable": ANSWERABLE_HELP,
            "history": "how many earlier turns are shown; default: all",
            "max_characters": "cut the passage to so many characters; default: whole",
            **PARAMETERS,
        },
    )

    def __init__(
        self, split: str, *, answerable: str, history: int | None, max_characters: int | None, folder: str | None, revision: str | None
    ) -> None:
        parameters = {"answerable": None if answerable == "yes" else answerable, "history": history, "max_characters": max_characters}
        super().__init__(data_set("quac", "allenai/quac", "plain_text", CONVERTED, folder=folder, revision=revision), split, parameters)
        self._answerable, self._history, self._limit = answerable, history, max_characters

    def units(self, rows: Rows) -> IntArray:
        turns, titles = rows.column("turn_ids"), rows.column("wikipedia_page_title")
        places = [(row, turn) for row, ids in enumerate(turns) for turn in range(len(ids))]
        return self.ordered([turns[row][turn] for row, turn in places], places, [titles[row] for row, _ in places])

    def unit_example(self, unit: Unit) -> Example | LeftOut:
        row, turn = unit.row, unit.item
        passage = cut(row["context"].strip().removesuffix(_CANNOT_ANSWER), self._limit)
        answers = _agreed(row["answers"]["texts"][turn])
        inside = [answer for answer in answers if self._limit is None or answer.strip() in passage]
        if answers and not inside:
            return LeftOut("no answer stands in the part of the passage that is kept")
        references = asked(inside, self._answerable)
        if isinstance(references, LeftOut):
            return references
        return self.template.example(
            row["turn_ids"][turn],
            references,
            evidence=passage,
            word=ASCII_WORD,
            title=row["wikipedia_page_title"],
            section=row["section_title"],
            hint=hint(self._answerable),
            history=_conversation(row, turn, self._history),
            question=row["questions"][turn].strip(),
        )


def quac_task(
    *,
    split: str,
    answerable: str = "yes",
    history: str | None = None,
    max_characters: str | None = None,
    from_: str | None = None,
    revision: str | None = None,
) -> Task:
    """QuAC, a turn an example."""
    return Quac(
        split,
        answerable=choice("quac", "answerable", answerable, ANSWERABLE),
        history=count("quac", "history", history, least=0),
        max_characters=count("quac", "max_characters", max_characters, least=1),
        folder=from_,
        revision=revision,
    )


def _agreed(answers: Sequence[str]) -> list[str]:
    """The answers, where most people gave one; else none."""
    given = [answer for answer in answers if answer.strip() != _CANNOT_ANSWER]
    return given if 2 * len(given) > len(answers) else []


def _conversation(row: Mapping[str, Any], turn: int, history: int | None) -> str:
    """The turns before this one, at most the last ``history``, each on two lines."""
    first = 0 if history is None else max(turn - history, 0)
    given = [NO_ANSWER if text.strip() == _CANNOT_ANSWER else text.strip() for text in row["orig_answers"]["texts"]]
    return "".join(f"Q: {row['questions'][i].strip()}\nA: {given[i]}\n" for i in range(first, turn))
