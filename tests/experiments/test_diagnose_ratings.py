"""Rating sheets: blind, reproducible, read back with every mistake named, and in the findings."""

import csv
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fake_reading import ReadingEngine, diagnose, fake_diagnosis

from edt_sampling.experiments.diagnosis import estimates, outcomes
from edt_sampling.experiments.diagnosis.find import find_diagnosis
from edt_sampling.experiments.diagnosis.ratings import read_sheet
from edt_sampling.experiments.diagnosis.sheet import COLUMNS, pick, write
from edt_sampling.store import Rating, Reader


@pytest.fixture(autouse=True, scope="module")
def fewer():
    with pytest.MonkeyPatch.context() as patched:
        for module in (estimates, outcomes):
            patched.setattr(module, "RESAMPLES", 300)
        yield


@pytest.fixture
def run(tmp_path: Path):
    diagnosis = fake_diagnosis(12)
    diagnose(diagnosis, tmp_path)
    with diagnosis.writer(tmp_path) as writer, Reader(writer.path) as reader:
        yield writer, reader


def sheet(path: Path, run, steps: int = 30) -> list[dict[str, str]]:
    writer, reader = run
    write(path, pick(reader, steps=steps), reader=reader, writer=writer, engine=ReadingEngine())
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def filled(path: Path, rows, certain, acceptable, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, delimiter=delimiter)
        table.writeheader()
        for row, a, b in zip(rows, certain, acceptable, strict=True):
            table.writerow(row | {"certain": a, "acceptable": b})
    return path


def test_steps_are_spread_over_the_entropies_and_over_texts(run):
    _, reader = run
    picked = pick(reader, steps=30)
    entropy = np.concatenate([reading.entropy for _, key, _, reading in reader.readings("read") if key.setting == 0])
    edges = np.quantile(entropy, np.linspace(0, 1, 11)[1:-1])
    tenths = Counter(int(np.searchsorted(edges, one.reading.entropy[one.key.step])) for one in picked)
    assert all(2 <= tenths[i] <= 4 for i in range(10))
    assert len({one.key for one in picked}) == 30
    assert len({(one.key.unit, one.key.text) for one in picked}) >= 28
    assert [one.key for one in pick(reader, steps=30)] == [one.key for one in picked]
    with pytest.raises(ValueError, match=r"steps must be at most the \d+ that the run's texts have, got 9999"):
        pick(reader, steps=9999)


def test_a_sheet_is_blind_and_its_key_stays_in_the_run(run, tmp_path: Path):
    _, reader = run
    rows = sheet(tmp_path / "sheet.csv", run)
    assert tuple(rows[0]) == COLUMNS
    assert {row["certain"] + row["acceptable"] for row in rows} == {""}
    assert {row["id"] for row in rows} == set(reader.steps())
    readings = {(unit, key): reading for unit, key, _, reading in reader.readings("read")}
    for row in rows:
        key = reader.steps()[row["id"]]
        reading = readings[key.unit, key.text]
        shown = {row[name].strip("“”") for name in "abcd"}
        best = [str(t) for t in reading.best[key.step].tolist() if t != reading.tokens[key.step]]
        assert shown == set(best[:4])
        assert row["chosen"] == f"“{reading.tokens[key.step]}”"
        assert row["context"].startswith("TASK\nprompt ")
        assert row["context"].endswith("".join(str(t) for t in reading.tokens[: key.step].tolist()) + "▮")
        assert f"{reading.entropy[key.step]:.3f}" not in "".join(row.values())
    orders = {tuple(row[n].strip("“”") for n in "abcd").index(str(_first(row, reader, readings))) for row in rows}
    assert orders == {0, 1, 2, 3}, "the best alternative stands anywhere"
    assert "certain" in (tmp_path / "sheet.md").read_text(encoding="utf-8")


def _first(row, reader, readings) -> int:
    key = reader.steps()[row["id"]]
    reading = readings[key.unit, key.text]
    return next(t for t in reading.best[key.step].tolist() if t != reading.tokens[key.step])


def test_a_sheet_written_again_is_the_same(run, tmp_path: Path):
    assert sheet(tmp_path / "one.csv", run) == sheet(tmp_path / "two.csv", run)


def test_a_filled_sheet_is_read_back(run, tmp_path: Path):
    """With commas or semicolons, a byte order mark, spaces, and cells left empty."""
    _, reader = run
    rows = sheet(tmp_path / "sheet.csv", run, steps=10)
    answers = [("1", "0"), (" 5 ", "4"), ("", "2"), ("3", ""), ("", "")] * 2
    for delimiter in (",", ";"):
        path = filled(tmp_path / "ann.csv", rows, *zip(*answers, strict=True), delimiter=delimiter)
        found, mistakes = read_sheet(path, reader.steps())
        assert mistakes == []
        expected = [(1, 0), (5, 4), (None, 2), (3, None)] * 2
        kept = [row["id"] for row, answer in zip(rows, answers, strict=True) if any(a.strip() for a in answer)]
        assert found == [Rating("ann", item, *answer) for item, answer in zip(kept, expected, strict=True)]


def test_every_mistake_is_a_line(run, tmp_path: Path):
    _, reader = run
    rows = sheet(tmp_path / "sheet.csv", run, steps=10)
    rows[0]["id"], rows[2]["id"] = "ffffff-000000", rows[1]["id"]
    path = filled(tmp_path / "bob.csv", rows, ["1", "2", "3", "6", "0", "1.5", "x", "1", "1", "1"], ["1"] * 7 + ["5", "-1", ""])
    _, mistakes = read_sheet(path, reader.steps())
    assert [line.partition(": ")[2] for line in mistakes] == [
        "id 'ffffff-000000' is not of this run's sheets",
        f"id {rows[1]['id']} stands twice",
        "certain must be a whole number from 1 to 5, or empty, got '6'",
        "certain must be a whole number from 1 to 5, or empty, got '0'",
        "certain must be a whole number from 1 to 5, or empty, got '1.5'",
        "certain must be a whole number from 1 to 5, or empty, got 'x'",
        "acceptable must be a whole number from 0 to 4, or empty, got '5'",
        "acceptable must be a whole number from 0 to 4, or empty, got '-1'",
    ]
    assert all(line.startswith(f"ratings {path}, line ") and "\n" not in line for line in mistakes)


@pytest.mark.parametrize(
    ("text", "told"), [(b"a,b\n1,2\n", "has no column id, certain, acceptable"), (b"\xff\xfe", "must be CSV in UTF-8")]
)
def test_what_is_no_sheet_is_refused(run, tmp_path: Path, text, told):
    (tmp_path / "bad.csv").write_bytes(text)
    with pytest.raises(ValueError, match=told):
        read_sheet(tmp_path / "bad.csv", run[1].steps())


def test_ratings_are_ranked_like_everything_else(run, tmp_path: Path):
    """Two raters who see nothing but the entropy: 5 where it is lowest; the second is off by one at each tenth step."""
    writer, reader = run
    rows = sheet(tmp_path / "sheet.csv", run, steps=40)
    readings = {(unit, key): reading for unit, key, _, reading in reader.readings("read")}
    steps = [reader.steps()[row["id"]] for row in rows]
    entropy = np.array([readings[key.unit, key.text].entropy[key.step] for key in steps])
    certain = 5 - np.argsort(np.argsort(entropy)) // 8
    second = np.where(np.arange(40) % 10 == 0, np.clip(certain - 1, 1, 5), certain)
    for name, answers in (("ann", certain), ("bob", second)):
        path = filled(tmp_path / f"{name}.csv", rows, answers.tolist(), (5 - answers).tolist())
        ratings, mistakes = read_sheet(path, reader.steps())
        assert mistakes == []
        writer.keep_ratings(name, ratings)
    findings = find_diagnosis(reader)
    assert (findings.human.raters, findings.human.items) == (("ann", "bob"), 40)
    assert 0.95 < findings.human.certain < 1
    people = [o for o in findings.outcomes if o.kind == "people"]
    assert [o.items for o in people] == [40, 40]
    for outcome in people:
        assert outcome.rankings[0].measure == "entropy"
        assert outcome.rankings[0].found.mean > 0.95
    assert any("2 people rated 40 steps (Krippendorff's alpha 0.9" in sentence for sentence in findings.sentences)


def test_a_rater_who_rates_again_replaces_what_was_said(run, tmp_path: Path):
    writer, reader = run
    rows = sheet(tmp_path / "sheet.csv", run, steps=10)
    writer.keep_ratings("ann", [Rating("ann", row["id"], 3, 1) for row in rows])
    writer.keep_ratings("ann", [Rating("ann", rows[0]["id"], 5, None)])
    assert reader.ratings() == [Rating("ann", rows[0]["id"], 5, None)]
    findings = find_diagnosis(reader)
    assert findings.human.certain is None, "one rater agrees with nobody"
    assert [o for o in findings.outcomes if o.kind == "people"] == []
    assert not math.isnan(findings.outcomes[0].rankings[0].found.mean)
