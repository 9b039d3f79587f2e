"""Fresh examples, on a machine whose packages are two that the test writes."""

from __future__ import annotations

from pathlib import Path

import pytest

import edt_sampling.tasks.fresh as fresh
from edt_sampling.tasks import load_task
from edt_sampling.tasks.splits import split_of

FUNCTION = '''
def f{i}(x):
    """Compute quantity {name} from rows of a table.

    The table {name} holds one row for each thing, and the rows are summed in their order, which changes nothing.

    Parameters
    ----------
    x : array
        The rows of table {name}.
    """
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("freshdocs", "moredocs"):
        (tmp_path / package).mkdir()
        source = "".join(FUNCTION.format(i=i, name=f"{package}{i}") for i in range(60))
        (tmp_path / package / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(fresh, "packages_distributions", lambda: {"freshdocs": ["a"], "moredocs": ["b"], "absent": ["c"], "no-name": ["d"]})


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["docstrings-summary", "docstrings-question"])
def test_fresh_examples_are_the_held_out_ones_of_what_is_installed(name: str) -> None:
    task = load_task(name, split="test", fresh=True)
    assert task.notice is not None
    assert "\n" not in task.notice
    names = {e.id.partition("(")[0] for e in task.examples()}
    assert names == {n for p in ("freshdocs", "moredocs") for i in range(60) if split_of(n := f"{p}:f{i}") == "test"}
    assert task.examples(3) == task.examples()[:3]
    assert task.fingerprint == load_task(name, split="test", fresh=True).fingerprint
    assert task.fingerprint != load_task(name, split="dev", fresh=True).fingerprint


def test_nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "packages_distributions", dict)
    with pytest.raises(ValueError, match="docstrings-summary: no installed package documents anything fit for it"):
        load_task("docstrings-summary", fresh=True).examples()


def test_fresh_examples_have_no_train_split() -> None:
    with pytest.raises(ValueError, match="split must be one of dev, test, got 'train'"):
        load_task("docstrings-summary", split="train", fresh=True)
