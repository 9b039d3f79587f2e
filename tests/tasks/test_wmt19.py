"""WMT19 from English to Chinese."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hub_copies import WMT19, write_rows, write_wmt19

from edt_sampling.experiments.measures import check, measures, qualities
from edt_sampling.tasks import load_task


def pair(english: str, chinese: str) -> dict[str, dict[str, str]]:
    return {"translation": {"en": english, "zh": chinese}}


def test_the_prompt_word_for_word(tmp_path: Path) -> None:
    write_rows(tmp_path, "zh-en", "train", [pair("It rains.", "下雨了。")], WMT19)
    (example,) = load_task(f"wmt19:from={tmp_path}", split="train").examples()
    assert example.prompt == "Translate this sentence from English to Chinese.\nEnglish: It rains.\nChinese:"
    assert (example.id, example.evidence, example.references) == ("train-0", "It rains.", ("下雨了。",))


def test_validation_is_cut_by_the_english_sentence(tmp_path: Path) -> None:
    sentences = [f"Sentence {i % 50}." for i in range(60)]
    write_rows(tmp_path, "zh-en", "validation", [pair(s, f"第{i}句。") for i, s in enumerate(sentences)], WMT19)
    dev, test = ([e.evidence for e in load_task(f"wmt19:from={tmp_path}", split=split).examples()] for split in ("dev", "test"))
    expected = {s for s in sentences if int.from_bytes(hashlib.sha256(s.encode()).digest()[:8], "big") % 3 == 0}
    assert set(dev) == expected
    assert set(test) == set(sentences) - expected
    assert len(dev) + len(test) == 50, "a sentence that stands twice is left out once"


def test_rows_that_are_no_pair_are_left_out(tmp_path: Path) -> None:
    rows = [pair("", "空"), pair("Blank.", " "), pair("Dots.", "。。。"), pair("English", "英语"), pair("Good.", "好。")]
    write_rows(tmp_path, "zh-en", "train", rows, WMT19)
    task = load_task(f"wmt19:from={tmp_path}", split="train")
    assert [e.evidence for e in task.examples()] == ["Good."]
    assert task.facts()["left out"] == ("no reference holds a word: 2; the source is empty: 1; the source stands in the instruction: 1")


def test_its_metrics_read_chinese(tmp_path: Path) -> None:
    write_wmt19(tmp_path)
    task = load_task(f"wmt19:from={tmp_path}")
    found = measures(task.metrics, samples=2)
    assert qualities(found)[0].name == "bleu"
    check(found, task.examples())
    references = [e.references for e in task.examples()]
    texts = [texts[0] for texts in references]
    for metric in qualities(found):
        assert (metric.scores(texts, references) == 1).all()
        near = metric.scores([text[:-3] + "书。" for text in texts], references)
        far = metric.scores(["完全不同。"] * len(texts), references)
        assert (far < near).all()
    by_name = {metric.name: metric for metric in found}
    alike = [["今天红色的猫看见一本书。", "今天红色的狗看见一本书。"], ["今天红色的猫看见一本书。", "明年我们去北京学习。"]]
    near, far = by_name["self_bleu"].scores(alike)
    assert near > 0.4
    assert far < 0.2
    assert by_name["distinct_2"].scores([["今天今天", "今天"]]).tolist() == [2 / 4]
    assert by_name["length"].scores(["今天 天气"]).tolist() == [4]
