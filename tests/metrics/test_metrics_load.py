"""The table of metrics, and metrics that other packages add."""

import subprocess
import sys
from pathlib import Path

import pytest

from edt_sampling.metrics import METRICS, load

EXAMPLES = {"eda": {"target": 0.25}}


@pytest.mark.parametrize("name", METRICS.built_in)
def test_every_name_loads_a_metric_that_keeps_the_contract(name: str) -> None:
    metric = load(name)(**EXAMPLES.get(name, {}))
    assert metric.name.startswith(name.removesuffix("_n"))
    assert metric.reads in {"references", "checks", "groups", "outputs", "scores"}
    assert "|" in metric.signature
    assert "\n" not in metric.signature
    with pytest.raises(AttributeError):
        metric.name = "frozen"


def test_names_stand_in_order() -> None:
    assert list(METRICS.built_in) == sorted(METRICS.built_in)


def test_an_unknown_name_gets_a_suggestion_and_the_list() -> None:
    known = "bleu, chrf, distinct_n, eda, length, passes, rouge_l, self_bleu"
    with pytest.raises(ValueError, match=rf"unknown metric 'rougel'; did you mean 'rouge_l'\? known: {known}"):
        load("rougel")


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(ValueError, match="unknown metric 'qqqq'; known: "):
        load("qqqq")


def test_importing_the_package_imports_no_library() -> None:
    heavy = "{'numpy', 'scipy', 'nltk', 'rouge_score', 'sacrebleu', 'torch'}"
    code = f"import sys, edt_sampling.metrics; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert done.stdout.strip() == "set()"


def install(folder: Path, package: str, entry_points: str) -> None:
    """A package with a metric, as pip would leave it in a site-packages folder."""
    (folder / f"{package}.py").write_text("class Shout:\n    name = 'shout'\n")
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[edt_sampling.metrics]\n{entry_points}\n")


def test_an_installed_package_adds_a_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "shouting", "shout = shouting:Shout")
    monkeypatch.syspath_prepend(tmp_path)
    assert load("shout").name == "shout"
    with pytest.raises(ValueError, match="did you mean 'shout'"):
        load("shuot")


def test_an_installed_package_cannot_take_over_a_built_in_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "usurper", "length = usurper:Shout")
    monkeypatch.syspath_prepend(tmp_path)
    assert load("length").__module__ == "edt_sampling.metrics.length"


def test_two_packages_cannot_claim_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "first", "shout = first:Shout")
    install(tmp_path, "second", "shout = second:Shout")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="claimed by first:Shout and second:Shout"):
        load("shout")
