"""Manifests: written and read back, verified against installed packages, and free of duplicates and of what was trained on."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edt_sampling.tasks import load_task
from edt_sampling.tasks.corpus import Corpus, harvest, summary_keys
from edt_sampling.tasks.example import Example
from edt_sampling.tasks.freezing import manifests
from edt_sampling.tasks.frozen import FrozenTask
from edt_sampling.tasks.harvest import docstrings, file_docstrings, text_hash
from edt_sampling.tasks.lookup import find_docstring
from edt_sampling.tasks.manifest import PACKAGES, Manifest, docstring_name, read_manifest
from edt_sampling.tasks.prose import normalised
from edt_sampling.tasks.splits import split_of

TASKS = ("docstrings-summary", "docstrings-question")
FUNCTION = '''
def f{i}(x):
    r"""Compute the {word} of quantity {n} from a table.

    The table of quantity {n} holds one row for each {word}, and the rows are summed in their order, which changes nothing.

    Parameters
    ----------
    x : array
        {answer}
    """
'''
ANSWERS = ("The rows of table {n}, one for each {word}.", "The table whose rows are summed.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of 300 functions: some alike in all but their names, many with the same answer, one that is defined twice."""
    folder = tmp_path_factory.mktemp("site") / "fakedocs"
    folder.mkdir()
    functions = [
        FUNCTION.format(i=i, n=i // 3 if i % 2 else i, word=(word := f"item{i % 7}"), answer=ANSWERS[i % 5 == 0].format(n=i, word=word))
        for i in range(300)
    ]
    (folder / "__init__.py").write_text("".join(functions[:150]))
    (folder / "inner.py").write_text("class A:\n" + "".join(functions[150:]).replace("\n", "\n    ") + functions[7])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder.parent))
        yield folder


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    return Corpus.of(harvest({"fakedocs": folder}))


@pytest.fixture(scope="module")
def frozen(corpus: Corpus) -> dict[str, Manifest]:
    return {
        task: Manifest({"fakedocs": "1.0"}, [e for e in manifest.entries if e.name.startswith("fakedocs")])
        for task, manifest in manifests(corpus, ["fakedocs"]).items()
    }


def of_corpus(corpus: Corpus, name: str) -> Example:
    own = [corpus.summaries.get(name), *corpus.questions.get(docstring_name(name), [])]
    return next(e for e in own if e is not None and e.id == name)


def test_a_manifest_reads_back_as_it_was_written(frozen: dict[str, Manifest]) -> None:
    for manifest in frozen.values():
        assert Manifest.parse(str(manifest)) == manifest


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_frozen_task_gives_the_examples_of_the_corpus(frozen: dict[str, Manifest], corpus: Corpus, task: str, split: str) -> None:
    examples = FrozenTask(task, split, frozen[task]).examples()
    assert examples
    assert examples == [of_corpus(corpus, e.name) for e in frozen[task].split(split)]
    assert FrozenTask(task, split, frozen[task]).examples(2) == examples[:2]


@pytest.mark.parametrize("task", TASKS)
def test_nothing_held_out_is_trained_on(frozen: dict[str, Manifest], corpus: Corpus, task: str) -> None:
    summaries, questions = corpus.training()
    assert summaries
    assert questions
    trained = {docstring_name(e.id) for e in [*summaries, *(q for own in questions for q in own)]}
    keys = {key for e in summaries for key in summary_keys(e)}
    texts = " | ".join(normalised(f"{e.prompt} {e.references[0]}") for e in [*summaries, *(q for own in questions for q in own)])
    for entry in frozen[task].entries:
        example = of_corpus(corpus, entry.name)
        assert entry.docstring not in trained
        assert normalised(example.references[0]) not in texts
        assert split_of(corpus.group[entry.docstring]) == entry.split
        assert not keys.intersection(summary_keys(corpus.summaries[entry.docstring]))


def test_other_text_is_refused_in_one_line_that_says_what_to_do(frozen: dict[str, Manifest]) -> None:
    manifest = frozen["docstrings-summary"]
    changed = Manifest({"fakedocs": "1.0"}, [e._replace(sha="0" * 12) for e in manifest.entries])
    task = FrozenTask("docstrings-summary", "test", changed)
    count, first = len(changed.split("test")), changed.split("test")[0].name
    with pytest.raises(ValueError, match=rf"{count} of {count} docstrings .*: {first}, .* and {count - 3} more; ") as caught:
        task.examples()
    assert "fakedocs 1.0 was frozen, none is installed. Run: pip install fakedocs==1.0 (or" in str(caught.value)
    assert "--fresh" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_version_with_other_files_is_to_be_installed_again(frozen: dict[str, Manifest], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edt_sampling.tasks.frozen.installed_version", lambda _: "1.0")
    lost = [e._replace(sha="0" * 12) for e in frozen["docstrings-summary"].entries]
    with pytest.raises(ValueError, match=r"as frozen, but its files differ.*pip install --force-reinstall --no-deps fakedocs==1.0"):
        FrozenTask("docstrings-summary", "dev", Manifest({"fakedocs": "1.0"}, lost)).examples(1)


def test_a_missing_package_is_named(frozen: dict[str, Manifest]) -> None:
    gone = [e._replace(name=e.name.replace("fakedocs", "nodocs", 1)) for e in frozen["docstrings-question"].entries]
    with pytest.raises(ValueError, match=r"1 of 1 .*nodocs 2.0 was frozen, none is installed\. Run: pip install nodocs==2.0"):
        FrozenTask("docstrings-question", "dev", Manifest({"nodocs": "2.0"}, gone)).examples(1)


def test_looking_up_a_docstring_finds_what_parsing_finds(folder: Path) -> None:
    importlib.invalidate_caches()
    found = list(docstrings(folder))
    assert len(found) == 301
    assert all(find_docstring(d.name, d.sha) == d for d in found[::10])
    assert find_docstring("fakedocs:f1", "0" * 12) is None
    assert find_docstring("fakedocs.none:f1", "0" * 12) is None


def test_a_docstring_that_only_parsing_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "oddocs").mkdir()
    (tmp_path / "oddocs" / "__init__.py").write_text('def f(x="""a"""):\n    "On one " "line."\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    docstring = find_docstring("oddocs:f", text_hash("On one line."))
    assert docstring is not None
    assert docstring.text == "On one line."


def test_unreadable_files_hold_no_docstrings(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(:")
    (tmp_path / "b.py").write_bytes(b"\xff")
    assert file_docstrings(tmp_path / "a.py") == file_docstrings(tmp_path / "b.py") == file_docstrings(tmp_path / "c.py") == {}


# --- as shipped --------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "dev", "test"), [("docstrings-summary", 400, 1000), ("docstrings-question", 187, 374)])
def test_the_shipped_manifests_hold_no_name_twice(task: str, dev: int, test: int) -> None:
    manifest = read_manifest(task)
    assert (len(manifest.split("dev")), len(manifest.split("test"))) == (dev, test)
    assert set(manifest.versions) == set(PACKAGES)
    names = [e.docstring for e in manifest.entries]
    assert len(set(names)) == len(names) == dev + test


def test_no_docstring_is_in_dev_of_one_task_and_test_of_the_other() -> None:
    split = {e.docstring: e.split for task in TASKS for e in read_manifest(task).entries}
    assert all(split[e.docstring] == e.split for task in TASKS for e in read_manifest(task).entries)


@pytest.mark.parametrize("task", TASKS)
def test_the_installed_packages_hold_what_was_frozen(task: str) -> None:
    examples = load_task(task).examples(20)
    assert [e.id for e in examples] == [e.name for e in read_manifest(task).split("test")[:20]]
    assert all(e.evidence and len(e.references) == 1 for e in examples)


@pytest.mark.parametrize("task", TASKS)
def test_no_two_frozen_examples_have_the_same_reference(task: str) -> None:
    examples = [*load_task(task, split="dev").examples(), *load_task(task, split="test").examples()]
    assert len({normalised(e.references[0]) for e in examples}) == len(examples)
