"""MS MARCO, version 1.1: passages that a search engine found and a question in; what people answered as the references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from edt_sampling.tasks.answers import ANSWERABLE, ANSWERABLE_HELP, NO_ANSWER, asked, hint
from edt_sampling.tasks.card import Card
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.hub import PARAMETERS, data_set
from edt_sampling.tasks.hub_task import HubTask, Unit
from edt_sampling.tasks.parameters import choice, count
from edt_sampling.tasks.task import Task
from edt_sampling.tasks.template import ASCII_WORD, LeftOut, Template, cut


class MsMarco(HubTask):
    """All passages of a question are its evidence, in the set's order, a line each.

    With ``max_characters`` those that people answered from are kept first, then as many of the others as fit; the order stays.
    A question has no answer where the set gives none, none that is not blank, or ``NO_ANSWER`` alone.
    """

    columns: ClassVar[tuple[str, ...]] = ("query_id", "query", "passages", "answers")
    template: ClassVar[Template] = Template(
        "Passages:\n{evidence}\n\nAnswer the question from the passages.{hint}\nQuestion: {question}\nAnswer:"
    )
    own_test: ClassVar[bool] = True
    card = Card(
        about="passages that a search engine found and a question in; what people answered as the references",
        source="microsoft/ms_marco on the Hugging Face hub, version 1.1 (Nguyen et al. 2016)",
        splits="the set's own: dev is its validation split",
        offline=False,
        parameters={
            "answerable": ANSWERABLE_HELP,
            "max_characters": "keep passages of so many characters together, those that were answered from first; default: all",
            **PARAMETERS,
        },
    )

    def __init__(self, split: str, *, answerable: str, max_characters: int | None, folder: str | None, revision: str | None) -> None:
        parameters = {"answerable": None if answerable == "yes" else answerable, "max_characters": max_characters}
        super().__init__(data_set("ms_marco", "microsoft/ms_marco", "v1.1", "main", folder=folder, revision=revision), split, parameters)
        self._answerable, self._limit = answerable, max_characters

    def unit_example(self, unit: Unit) -> Example | LeftOut:
        row = unit.row
        answers = [answer for answer in row["answers"] or () if answer.strip() and answer.strip() != NO_ANSWER]
        references = asked(answers, self._answerable)
        if isinstance(references, LeftOut):
            return references
        passages = row["passages"]
        return self.template.example(
            str(row["query_id"]),
            references,
            evidence="\n".join(_within(passages["passage_text"], passages["is_selected"], self._limit)),
            word=ASCII_WORD,
            hint=hint(self._answerable),
            question=row["query"].strip(),
        )


def ms_marco_task(
    *, split: str, answerable: str = "yes", max_characters: str | None = None, from_: str | None = None, revision: str | None = None
) -> Task:
    """MS MARCO, version 1.1."""
    return MsMarco(
        split,
        answerable=choice("ms_marco", "answerable", answerable, ANSWERABLE),
        max_characters=count("ms_marco", "max_characters", max_characters, least=1),
        folder=from_,
        revision=revision,
    )


def _within(passages: Sequence[str], selected: Sequence[int], limit: int | None) -> list[str]:
    """The passages that fit into ``limit`` characters with a line break behind each, selected ones first served; the first one is cut
    if it does not fit alone."""
    if limit is None:
        return [passage.strip() for passage in passages]
    kept: dict[int, str] = {}
    for i in sorted(range(len(passages)), key=lambda i: (selected[i] != 1, i)):
        text = passages[i].strip() if kept else cut(passages[i], limit)
        if len(text) <= limit - sum(len(other) + 1 for other in kept.values()):
            kept[i] = text
    return [kept[i] for i in sorted(kept)]
