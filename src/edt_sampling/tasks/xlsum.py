"""XL-Sum: a news article in, the BBC's own summary of it as the reference; 45 languages."""

from __future__ import annotations

from typing import ClassVar

from edt_sampling.tasks.card import Card
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.hub import CONVERTED, PARAMETERS, data_set
from edt_sampling.tasks.hub_task import HubTask, Unit
from edt_sampling.tasks.languages import ASCII, LANGUAGES, metrics_of, shown
from edt_sampling.tasks.parameters import choice, count
from edt_sampling.tasks.task import Task
from edt_sampling.tasks.template import ANY_WORD, ASCII_WORD, LeftOut, Template, cut


class XlSum(HubTask):
    """The instruction is English in every language, which keeps one template; it names the language to write in."""

    columns: ClassVar[tuple[str, ...]] = ("id", "text", "summary")
    template: ClassVar[Template] = Template("Article:\n{evidence}\n\nWrite a one-sentence summary of the article in {language}.\nSummary:")
    own_test: ClassVar[bool] = True
    card = Card(
        about="a BBC news article in, its summary as the reference",
        source="csebuetnlp/xlsum on the Hugging Face hub (Hasan et al. 2021), read from refs/convert/parquet",
        splits="the set's own: dev is its validation split",
        offline=False,
        metrics="by language: rouge_l:tokenizer=unicode and chrf where a-z0-9 is not enough, all of them by characters where no spaces are",
        parameters={
            "language": f"one of {', '.join(LANGUAGES)}; default english",
            "max_characters": "cut the article to so many characters; default: whole",
            **PARAMETERS,
        },
    )

    def __init__(self, split: str, *, language: str, max_characters: int | None, folder: str | None, revision: str | None) -> None:
        data = data_set("xlsum", "csebuetnlp/xlsum", language, CONVERTED, folder=folder, revision=revision)
        super().__init__(data, split, {"language": None if language == "english" else language, "max_characters": max_characters})
        self.metrics = metrics_of(language)
        self._language, self._limit = language, max_characters

    def unit_example(self, unit: Unit) -> Example | LeftOut:
        row = unit.row
        return self.template.example(
            row["id"],
            [row["summary"]],
            evidence=cut(row["text"], self._limit),
            language=shown(self._language),
            word=ASCII_WORD if self._language in ASCII else ANY_WORD,
        )


def xlsum_task(
    *, split: str, language: str = "english", max_characters: str | None = None, from_: str | None = None, revision: str | None = None
) -> Task:
    """XL-Sum in one language."""
    return XlSum(
        split,
        language=choice("xlsum", "language", language, LANGUAGES),
        max_characters=count("xlsum", "max_characters", max_characters, least=1),
        folder=from_,
        revision=revision,
    )
