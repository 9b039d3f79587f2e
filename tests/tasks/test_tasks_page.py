"""docs/tasks.md, held against the code: templates word for word, parameters, splits, metrics."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from edt_sampling.tasks import TASKS, load_task
from edt_sampling.tasks.answers import NO_ANSWER, hint
from edt_sampling.tasks.hub_task import HubTask
from edt_sampling.tasks.languages import ASCII, LANGUAGES, UNSPACED, shown

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
SETS = ["xlsum", "quac", "ms_marco", "wmt19"]


def rows(header: str) -> dict[str, list[str]]:
    """The rows of the table whose header begins so, by their first cell."""
    (table,) = re.findall(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {first: rest for first, *rest in cells}


@pytest.mark.parametrize("name", SETS)
def test_templates_stand_there_word_for_word(name: str) -> None:
    task = load_task(name)
    assert isinstance(task, HubTask)
    assert f"```text\n{task.template.text}\n```" in PAGE


def test_the_hint_stands_there() -> None:
    assert f"`{hint('both')}`" in PAGE
    assert hint("yes") == ""
    assert f"`{NO_ANSWER}`" in PAGE


def test_every_parameter_has_its_row() -> None:
    told = {name.strip("`"): set(re.findall(r"`(\w+)`", of)) or set(SETS) for name, (of, *_) in rows("parameter").items()}
    cards = {name: set(load_task(name).card.parameters) for name in SETS}
    factories = {name: {p.rstrip("_") for p in inspect.signature(TASKS.find(name)).parameters} - {"split"} for name in SETS}
    assert cards == factories == {name: {p for p, of in told.items() if name in of} for name in SETS}


def test_the_splits_are_as_said() -> None:
    told = {name: cells for names, cells in rows(r"task \| train").items() for name in re.findall(r"`(\w+)`", names)}
    assert set(told) == set(SETS)
    for name, (train, dev, test) in told.items():
        own = load_task(name).own_test
        assert train == "train"
        assert (dev == "validation", test == "test") == (own, own)
        assert (dev.startswith("a third of validation"), test == "two thirds of validation") == (not own, not own)


def test_metrics_by_language_are_as_said() -> None:
    told = rows("texts")
    default, spaced, chinese, characters, translation = ([re.findall(r"`([^`]+)`", cell) for cell in cells] for cells in told.values())

    def metrics(name: str) -> list[str]:
        return list(load_task(name).metrics)

    for language in LANGUAGES:
        quality, others = default if language in ASCII else spaced
        if UNSPACED.get(language) == "zh":
            others = chinese[1]
        elif language in UNSPACED:
            others = [*characters[1], *chinese[1][1:]]
        assert metrics(f"xlsum:language={language}") == [*quality, *others], language
    assert metrics("wmt19") == [*translation[0], *chinese[1]]
    for name in ("quac", "ms_marco"):
        assert metrics(name) == [*default[0], *default[1]]
    assert "English, Nigerian Pidgin" in told
    assert {shown(language) for language in ASCII} == {"English", "Nigerian Pidgin"}
