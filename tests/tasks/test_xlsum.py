"""XL-Sum: its prompt, its languages, and metrics that can read each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_copies import XLSUM, write_rows, write_xlsum
from language_samples import SAMPLES

from edt_sampling.experiments.measures import check, measures
from edt_sampling.tasks import Example, Task, load_task
from edt_sampling.tasks.languages import ASCII, LANGUAGES, shown

ROW = {
    "id": "uk-1",
    "url": "https://www.bbc.com/uk-1",
    "title": "A title",
    "summary": " Rain fell. ",
    "text": "It rained in Leeds.\nAll day.\n",
}


def test_the_prompt_word_for_word(tmp_path: Path) -> None:
    write_rows(tmp_path, "french", "validation", [ROW], XLSUM)
    (example,) = load_task(f"xlsum:language=french,from={tmp_path}", split="dev").examples()
    assert example.id == "uk-1"
    assert example.prompt == ("Article:\nIt rained in Leeds.\nAll day.\n\nWrite a one-sentence summary of the article in French.\nSummary:")
    assert example.evidence == "It rained in Leeds.\nAll day."
    assert example.references == ("Rain fell.",)
    (short,) = load_task(f"xlsum:language=french,from={tmp_path},max_characters=12", split="dev").examples()
    assert short.evidence == "It rained in"


def test_every_language_of_the_set_is_known() -> None:
    assert len(LANGUAGES) == 45
    assert set(LANGUAGES) == set(SAMPLES)
    assert list(LANGUAGES) == sorted(LANGUAGES)
    assert [shown(name) for name in ("english", "chinese_simplified", "serbian_latin", "scottish_gaelic", "pidgin")] == [
        *("English", "Chinese (simplified)", "Serbian (Latin)", "Scottish Gaelic", "Nigerian Pidgin")
    ]


def test_only_languages_written_in_ascii_are_scored_by_ascii_words() -> None:
    assert all(SAMPLES[language].isascii() for language in ASCII)


def test_english_is_scored_as_task_and_recipe_do_by_default() -> None:
    assert load_task("xlsum").metrics == Task.metrics == ("rouge_l", "self_bleu", "distinct_n:n=2", "eda", "length")


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_metrics_can_read_a_language(language: str) -> None:
    """A text scores 1 against itself, its half lies between, nothing in common is 0, and more in common means less diverse."""
    text = SAMPLES[language]
    half, other = text[: len(text) // 2], "7 8 9 7 8 9"
    found = measures(load_task(f"xlsum:language={language}").metrics, samples=2)
    check(found, [Example(id="1", prompt="p", references=(text,))])
    by_name = {metric.name: metric for metric in found}
    for metric in found:
        if metric.reads == "references":
            same, some, none = metric.scores([text, half, other], [[text]] * 3)
            assert same == 1
            assert 0.2 < some < 0.95
            assert none == 0
    alike, apart = by_name["self_bleu"].scores([[text, f"{half} {half}"], [text, other]])
    assert alike > 0.1
    assert apart < alike
    repeated, fresh = by_name["distinct_2"].scores([[text, text], [text, other]])
    assert 0 < repeated <= 0.5 < fresh <= 1
    assert by_name["length"].scores([text])[0] > 5


@pytest.mark.parametrize("language", ["english", "thai", "chinese_traditional", "arabic", "hindi"])
def test_a_copy_in_a_language_is_scored_by_its_metrics(tmp_path: Path, language: str) -> None:
    write_xlsum(tmp_path, language=language, train=1, validation=1, test=30)
    task = load_task(f"xlsum:language={language},from={tmp_path}")
    examples = task.examples()
    assert len(examples) == 30
    check(measures(task.metrics, samples=5), examples)


def test_a_reference_that_english_metrics_cannot_read_is_left_out(tmp_path: Path) -> None:
    write_rows(tmp_path, "english", "test", [ROW, {**ROW, "id": "uk-2", "text": "Other.", "summary": "今天天气很好"}], XLSUM)
    task = load_task(f"xlsum:from={tmp_path}")
    assert [e.id for e in task.examples()] == ["uk-1"]
    assert task.facts()["left out"] == "no reference holds a word: 1"
