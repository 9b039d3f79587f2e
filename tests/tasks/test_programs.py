"""The thirty problems: their solutions pass, slips in them fail, and what their docstrings show is so. And the stories."""

import doctest
import tomllib
from pathlib import Path

import pytest

from edt_sampling.metrics.programs import Limits, passed
from edt_sampling.tasks import Example, load_task

MUTANTS = tomllib.loads(Path(__file__).with_name("program_mutants.toml").read_text())


def problems() -> list[Example]:
    return [*load_task("programs", split="dev").examples(), *load_task("programs", split="test").examples()]


def mutated(example: Example) -> list[str]:
    (solution,) = example.references
    for old, _ in MUTANTS[example.id]:
        assert solution.count(old) == 1, f"{example.id}: {old!r} stands {solution.count(old)} times in the solution"
    return [example.prompt + solution.replace(old, new) for old, new in MUTANTS[example.id]]


def test_every_solution_passes_and_every_slip_fails():
    examples = problems()
    programs = [(e.id, e.prompt + e.references[0], e.check, True) for e in examples]
    programs += [(e.id, mutant, e.check, False) for e in examples for mutant in mutated(e)]
    outcomes = passed([p for _, p, _, _ in programs], [str(c) for *_, c, _ in programs], limits=Limits(seconds=1))
    wrong = [(name, program) for (name, program, _, expected), outcome in zip(programs, outcomes, strict=True) if outcome != expected]
    assert not wrong, wrong[0][1]
    assert all(len(MUTANTS[e.id]) >= 2 for e in examples)
    assert set(MUTANTS) == {e.id for e in examples}


@pytest.mark.parametrize("example", problems(), ids=lambda e: e.id)
def test_a_docstring_shows_what_the_solution_does(example: Example):
    namespace: dict[str, object] = {"__name__": "program"}
    exec(example.prompt + example.references[0], namespace)
    (name,) = set(namespace) - {"__name__", "__builtins__"}
    (test,) = doctest.DocTestFinder(recurse=False).find(namespace[name], name, globs=namespace)
    assert doctest.DocTestRunner(verbose=False).run(test) == (0, len(test.examples))
    assert test.examples
    assert example.prompt.startswith(f"def {name}(")
    assert example.prompt.endswith('"""\n'), "what follows is indented by the model"
    assert not example.prompt_without_evidence.count("\t")


def test_ten_choose_twenty_judge_and_ids_are_places():
    dev, test = (load_task("programs", split=split) for split in ("dev", "test"))
    assert [e.id for e in dev.examples()] == [f"programs/{i}" for i in range(10)]
    assert [e.id for e in test.examples()] == [f"programs/{i}" for i in range(10, 30)]
    assert [e.id for e in test.examples(3)] == ["programs/10", "programs/11", "programs/12"]
    assert dev.metrics[0] == "passes"
    assert dev.fingerprint == test.fingerprint
    assert len(dev.fingerprint) == 12


def test_stories_are_thirty_and_ten_with_one_continuation_each():
    dev, test = (load_task("stories", split=split).examples() for split in ("dev", "test"))
    assert (len(dev), len(test)) == (10, 30)
    texts = [text for e in (*dev, *test) for text in (e.prompt, *e.references)]
    assert len(set(texts)) == 80
    assert all(text == text.strip() and "\n" not in text and text[-1] in ".?!" for text in texts)
    assert all(e.check is None for e in (*dev, *test))


@pytest.mark.parametrize("name", ["programs", "stories"])
def test_what_is_too_small_to_train_on_says_so(name: str):
    with pytest.raises(ValueError, match=f"{name}: split must be dev or test, got 'train': these are too few to train on"):
        load_task(name, split="train")
