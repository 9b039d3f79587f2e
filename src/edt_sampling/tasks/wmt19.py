"""WMT19, English to Chinese: an English sentence in, its translation as the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from edt_sampling.tasks.card import Card
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.hub import PARAMETERS, data_set
from edt_sampling.tasks.hub_task import HubTask, IntArray, Unit
from edt_sampling.tasks.languages import metrics_of
from edt_sampling.tasks.task import Task
from edt_sampling.tasks.template import LeftOut, Template

if TYPE_CHECKING:
    from edt_sampling.tasks.rows import Rows


class Wmt19(HubTask):
    """The set names its pair zh-en; this task translates from ``en`` to ``zh``.

    Its sentences have no id: a row's number is it. The validation split is cut by the English sentence, so that a sentence that
    stands twice falls to one side.
    """

    columns: ClassVar[tuple[str, ...]] = ("translation",)
    template: ClassVar[Template] = Template("Translate this sentence from English to Chinese.\nEnglish: {evidence}\nChinese:")
    own_test: ClassVar[bool] = False
    metrics = metrics_of("chinese_simplified", quality=("bleu:tokenizer=zh", "chrf"))
    card = Card(
        about="an English sentence in, its Chinese translation as the reference",
        source="wmt/wmt19 on the Hugging Face hub, configuration zh-en (Barrault et al. 2019; its validation is newstest2018)",
        splits="it has no test split: validation is cut by a hash of the English sentence, a third to dev and two thirds to test",
        offline=False,
        parameters=PARAMETERS,
    )

    def __init__(self, split: str, *, folder: str | None, revision: str | None) -> None:
        super().__init__(data_set("wmt19", "wmt/wmt19", "zh-en", "main", folder=folder, revision=revision), split, {})

    def units(self, rows: Rows) -> IntArray:
        if self.split == "train":
            return _scattered(len(rows))
        sentences = [pair["en"] or "" for pair in rows.column("translation")]
        numbers = range(len(sentences))
        return self.ordered([f"wmt19 {number}" for number in numbers], [(number, 0) for number in numbers], sentences)

    def unit_example(self, unit: Unit) -> Example | LeftOut:
        pair = unit.row["translation"]
        return self.template.example(f"{self.source}-{unit.number}", [pair["zh"]], evidence=pair["en"])


def wmt19_task(*, split: str, from_: str | None = None, revision: str | None = None) -> Task:
    """WMT19 from English to Chinese."""
    return Wmt19(split, folder=from_, revision=revision)


def _scattered(count: int) -> IntArray:
    """The numbers below ``count`` in the order of their SplitMix64 hashes: 26 million in seconds, where SHA-256 takes a minute."""
    hashes = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    hashes ^= hashes >> np.uint64(31)
    units = np.zeros((count, 2), dtype=np.int32)
    units[:, 0] = np.argsort(hashes)  # no two are equal: SplitMix64 is one to one
    return units
