"""A run as JSON lines: what each kind holds, and equal bytes for equal runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import FakeEngine, compare, exported, fake_comparison

from edt_sampling.store import Reader

KEYS = {
    "run": ["kind", "hash", "recipe", "looks"],
    "example": ["kind", "split", "unit", "id", "prompt", "references", "check"],
    "setting": ["kind", "stage", "split", "setting", "method", "policy", "filters", "role"],
    "text": ["kind", "stage", "unit", "setting", "seed", "sample", "text", "finish", "tokens", "H", "T", "p"],
    "forced": ["kind", "stage", "unit", "setting", "entropy", "temperature", "tempered_entropy", "nll"],
}
ORDER = ["forced-dev", "dev", "forced-test", "test", "shuffled"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    compare(comparison(), out)
    return out


def comparison() -> Any:
    return fake_comparison(3, dev=2, seeds=[5, 2])


@pytest.fixture(scope="module")
def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(comparison(), run).splitlines()]


def of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


def test_each_kind_has_its_keys_in_order(lines: list[dict[str, Any]]):
    for line in lines:
        assert list(line) == KEYS[line["kind"]]
    assert list(dict.fromkeys(line["kind"] for line in lines)) == ["run", "example", "setting", "forced", "text"]


def test_every_row_of_the_run_is_there_once(lines: list[dict[str, Any]]):
    settings = {stage: [s for s in of(lines, "setting") if s["stage"] == stage] for stage in ORDER}
    assert [len(s) for s in settings.values()] == [43, 7, 43, 8, 1]
    assert [(e["split"], e["unit"], e["id"]) for e in of(lines, "example")] == [
        ("dev", 0, "dev0"), ("dev", 1, "dev1"), ("test", 0, "test0"), ("test", 1, "test1"), ("test", 2, "test2"),
    ]  # fmt: skip
    texts = [(ORDER.index(t["stage"]), t["unit"], t["setting"], t["seed"], t["sample"]) for t in of(lines, "text")]
    assert texts == sorted(set(texts))
    assert len(texts) == (2 * 7 + 3 * 8 + 3 * 1) * 2 * 2
    forced = [(ORDER.index(f["stage"]), f["unit"], f["setting"]) for f in of(lines, "forced")]
    assert forced == sorted(set(forced))
    assert len(forced) == 2 * 43 + 3 * 43


def test_the_first_line_is_the_run(lines: list[dict[str, Any]]):
    assert lines[0]["hash"] == comparison().content
    assert lines[0]["recipe"] == comparison().recipe.model_dump(mode="json")
    assert lines[0]["looks"] == [{"prompts": 3, "sequential": False}]


def test_arrays_have_an_entry_for_each_token(lines: list[dict[str, Any]]):
    for text in of(lines, "text"):
        assert text["tokens"] == len(text["H"]) == len(text["T"]) == len(text["p"])
    assert {len(f[name]) for f in of(lines, "forced") for name in KEYS["forced"][4:]} == {8}, "seven words and the end"


def test_reals_have_six_significant_digits(run: Path, lines: list[dict[str, Any]]):
    reals = [value for text in of(lines, "text") for value in text["H"]] + [v for f in of(lines, "forced") for v in f["nll"]]
    assert all(value == float(f"{value:.6g}") for value in reals)
    assert any(value != float(f"{value:.5g}") for value in reals)
    with Reader(comparison().folder(run)) as reader:
        kept = [float(value) for stage in ("dev", "test", "shuffled") for trace in reader.traces(stage) for value in trace.entropy]
    assert np.allclose(reals[: len(kept)], kept, rtol=5e-6)


def test_equal_runs_give_equal_bytes(run: Path, tmp_path: Path):
    slower = FakeEngine(seconds=0.002, description={"engine": "another", "threads": 9})
    compare(comparison(), tmp_path, slower)
    assert exported(comparison(), tmp_path) == exported(comparison(), run)


def test_another_text_is_another_byte(run: Path, tmp_path: Path):
    class Louder(FakeEngine):
        def complete(self, request: Any, setting: int, sample: int) -> Any:
            found = super().complete(request, setting, sample)
            return type(found)(**found.__dict__ | {"text": found.text + "!"}) if request.prompt == "prompt 2" else found

    compare(comparison(), tmp_path, Louder())
    different = [
        a != b for a, b in zip(exported(comparison(), tmp_path).splitlines(), exported(comparison(), run).splitlines(), strict=True)
    ]
    assert sum(different) == 9 * 2 * 2


def test_texts_are_written_as_they_are(tmp_path: Path):
    class Chinese(FakeEngine):
        def complete(self, request: Any, setting: int, sample: int) -> Any:
            found = super().complete(request, setting, sample)
            return type(found)(**found.__dict__ | {"text": f"\u4f60\u597d\n\u2028{found.text}"})

    compare(comparison(), tmp_path, Chinese())
    written = exported(comparison(), tmp_path)
    assert '"text": "\u4f60\u597d\\n\u2028' in written
    assert all(json.loads(line) for line in written.split("\n"))
