"""Readings, the key of rating sheets, ratings and memory: what is written is read back, in one transaction a unit."""

import json
from pathlib import Path

import numpy as np
import pytest

from edt_sampling.protocol import Reading
from edt_sampling.store import REFERENCE, Rating, Reader, StepKey, StoredExample, StoredSetting, StoreError, TextKey, Writer, export
from edt_sampling.store.traces import pack_reading, unpack_reading

EXAMPLES = [StoredExample(id=f"x{i}", prompt=f"prompt {i}", references=("one",)) for i in range(2)]
SETTINGS = [StoredSetting(method="fixed", policy="fixed:temperature=1", filters="none", role="fixed")]
REALS = ("entropy", "max_probability", "margin", "varentropy", "probability")


def reading(tokens: int = 3, width: int = 4, seed: int = 0) -> Reading:
    generator = np.random.default_rng(seed)
    whole = {name: generator.integers(0, 2**31 - 1, tokens) for name in ("tokens", "rank")}
    reals = {name: generator.random(tokens) for name in REALS}
    shape = (tokens, width)
    return Reading(**whole, **reals, best=generator.integers(0, 99, shape), watched=generator.random(shape).astype(np.float32))


def writer_in(folder: Path) -> Writer:
    writer = Writer(folder, content="abcdef", recipe={"policies": []})
    for stage in ("read", "dropout-2"):
        writer.begin(stage, split="dev", examples=EXAMPLES, settings=SETTINGS)
    return writer


def assert_same(found: Reading, expected: Reading) -> None:
    for name in (*REALS, "tokens", "rank", "best", "watched"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize(("tokens", "width"), [(3, 4), (1, 16), (7, 1)])
def test_a_reading_survives_as_bytes(tokens, width):
    blob = pack_reading(reading(tokens, width))
    assert len(blob) == 4 + tokens * (48 + 8 * width)
    assert_same(unpack_reading(blob), reading(tokens, width))


def test_what_is_near_1_stays_apart_from_1():
    """As float32 it would be 1."""
    sure = reading(1)
    sure.max_probability[0] = 1 - 1e-12
    assert 1 - unpack_reading(pack_reading(sure)).max_probability[0] == pytest.approx(1e-12, rel=1e-3)


def test_readings_come_back_in_order(tmp_path: Path):
    sample = TextKey(0, 0, 1)
    with writer_in(tmp_path) as writer:
        environment, _ = writer.environment({"engine": "e"})
        for unit in (1, 0):
            texts = {sample: [reading(seed=unit)], REFERENCE: [reading(2, seed=9)]}
            writer.commit_readings("read", unit, texts, environment=environment, seconds=1.0, memory=10 + unit)
        writer.commit_readings("dropout-2", 0, {sample: [reading(seed=5), reading(seed=6)]}, environment=environment, seconds=1.0)
        assert (writer.done("read"), writer.done("dropout-2")) == ({0, 1}, {0})
    with Reader(tmp_path) as reader:
        found = list(reader.readings("read"))
        assert [(unit, key, model) for unit, key, model, _ in found] == [(u, k, 0) for u in (0, 1) for k in (REFERENCE, sample)]
        assert_same(found[3][3], reading(seed=1))
        assert [(unit, key, model) for unit, key, model, _ in reader.readings("dropout-2")] == [(0, sample, 0), (0, sample, 1)]
        assert [key for _, key, *_ in reader.readings("read", unit=1)] == [REFERENCE, sample]
        assert [(m.start, m.stage, m.unit, m.bytes) for m in reader.memory()] == [(1, "read", 1, 11), (1, "read", 0, 10)]


def test_a_unit_is_written_whole_or_not_at_all(tmp_path: Path):
    with writer_in(tmp_path) as writer:
        environment, _ = writer.environment({"engine": "e"})
        with pytest.raises(AttributeError):
            writer.commit_readings("read", 0, {REFERENCE: [reading(), None]}, environment=environment, seconds=1.0)  # type: ignore[list-item]
        writer.commit_readings("read", 0, {REFERENCE: [reading()]}, environment=environment, seconds=1.0)
        with pytest.raises(StoreError):
            writer.commit_readings("read", 0, {TextKey(0, 0, 0): [reading()]}, environment=environment, seconds=1.0)
    with Reader(tmp_path) as reader:
        assert [key for _, key, *_ in reader.readings("read")] == [REFERENCE]


def test_each_start_of_a_run_has_its_number(tmp_path: Path):
    for unit in (0, 1):
        with writer_in(tmp_path) as writer:
            environment, _ = writer.environment({"engine": "e"})
            writer.commit_readings("read", unit, {}, environment=environment, seconds=1.0, memory=7)
    with Reader(tmp_path) as reader:
        assert [m.start for m in reader.memory()] == [1, 2]


def test_an_environment_is_compared_with_the_last_of_the_same_model(tmp_path: Path):
    with writer_in(tmp_path) as writer:
        for unit, (model, threads) in enumerate([("a", 1), ("b", 9)]):
            number, _ = writer.environment({"fingerprint": model, "threads": threads})
            writer.commit_readings("read", unit, {}, environment=number, seconds=1.0)
        assert writer.environment({"fingerprint": "a", "threads": 1})[1] == []
        assert writer.environment({"fingerprint": "a", "threads": 2})[1] == ["threads 1 -> 2"]
        assert writer.environment({"fingerprint": "c", "threads": 5})[1] == []


def test_steps_and_ratings(tmp_path: Path):
    key = StepKey("samples", 1, TextKey(0, 0, 2), 5)
    with writer_in(tmp_path) as writer:
        writer.keep_steps({"i1": key, "i2": key._replace(step=6)})
        writer.keep_steps({"i1": key._replace(step=99), "i3": key})
        writer.keep_ratings("bob", [Rating("bob", "i2", None, 3)])
        writer.keep_ratings("ann", [Rating("ann", "i1", 5, None), Rating("ann", "i3", 1, 0)])
        writer.keep_ratings("ann", [Rating("ann", "i3", 2, 0)])
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            writer.keep_ratings("ann", [Rating("ann", "unknown", 2, 0)])
    with Reader(tmp_path) as reader:
        assert reader.steps() == {"i1": key, "i2": key._replace(step=6), "i3": key}
        assert reader.ratings() == [Rating("ann", "i3", 2, 0), Rating("bob", "i2", None, 3)]
        ratings = [json.loads(line) for line in export(reader)][-2:]
    assert [(r["kind"], r["rater"], r["unit"], r["sample"], r["step"]) for r in ratings] == [
        ("rating", "ann", 1, 2, 5), ("rating", "bob", 1, 2, 6),
    ]  # fmt: skip


def test_readings_are_exported(tmp_path: Path):
    with writer_in(tmp_path) as writer:
        environment, _ = writer.environment({"engine": "e"})
        writer.commit_readings("read", 0, {REFERENCE: [reading()]}, environment=environment, seconds=1.0)
    with Reader(tmp_path) as reader:
        (line,) = [found for found in map(json.loads, export(reader)) if found["kind"] == "reading"]
    own = reading()
    assert (line["stage"], line["unit"], line["setting"], line["model"]) == ("read", 0, -1, 0)
    assert line["tokens"] == own.tokens.tolist()
    assert line["best"] == own.best.tolist()
    assert line["entropy"] == [float(f"{value:.6g}") for value in own.entropy]
    assert len(line["watched"][0]) == 4
