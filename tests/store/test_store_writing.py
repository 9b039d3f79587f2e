"""The store: one transaction a unit, one writer, and one line for each thing that can go wrong."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_run import FakeEngine, compare, exported, fake_comparison

from edt_sampling.experiments.run import decode
from edt_sampling.experiments.stage import Stage
from edt_sampling.experiments.stages import dev_stage, forced_stage
from edt_sampling.protocol import Completion, Forced, Trace
from edt_sampling.store import Generation, Look, Reader, StoredExample, StoredSetting, StoreError, StoreLockedError, Writer, export
from edt_sampling.store.traces import pack, pack_forced, unpack, unpack_forced

HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, {fakes!r})
from fake_run import fake_comparison
with fake_comparison().writer(Path({out!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
EXAMPLES = [StoredExample(id=f"x{i}", prompt=f"prompt {i}", references=("one \u00e9", "two")[: 1 + i]) for i in range(2)]
SETTINGS = [
    StoredSetting(method="Fixed", policy="fixed:temperature=0", filters="none", role="greedy"),
    StoredSetting(method="EDT", policy="edt:t0=1,theta=1", filters="temperature", role="candidate"),
]


def completion(setting: int, sample: int, tokens: int = 3) -> Completion:
    """A text whose numbers are functions of setting and sample."""
    reals = {name: np.linspace(0, 1, tokens) + setting + 10 * sample for name in ("entropy", "temperature", "probability")}
    trace = Trace(tokens=np.arange(tokens) + sample, **reals)
    return Completion(request=1, setting=setting, sample=sample, text=f"text {setting} {sample}", finish="end", trace=trace)


def unit_of(settings: int = 2, samples: int = 2, tokens: int = 3) -> list[Completion]:
    return [completion(setting, sample, tokens) for setting in range(settings) for sample in range(samples)]


def forced(settings: int = 2, tokens: int = 4, more: float = 0) -> Forced:
    arrays = np.arange(4 * settings * tokens).reshape(4, settings, tokens) / 7 + more
    return Forced(tokens=np.arange(tokens), entropy=arrays[0], temperature=arrays[1], tempered_entropy=arrays[2], nll=arrays[3])


def writer_in(folder: Path, content: str = "abc", recipe: Any = None) -> Writer:
    return Writer(folder, content=content, recipe=recipe or {"samples": 2})


def begin(writer: Writer, stage: str = "dev", split: str = "dev", examples: Sequence[StoredExample] = EXAMPLES) -> int:
    writer.begin(stage, split=split, examples=examples, settings=SETTINGS)
    return writer.environment({"engine": "e"})[0]


def test_what_is_written_is_read_back(tmp_path: Path):
    recipe = {"samples": 2, "seeds": [0, 3], "model": "a \u00e9"}
    with writer_in(tmp_path, recipe=recipe) as writer:
        environment = begin(writer)
        writer.begin("other", split="test", examples=EXAMPLES[::-1], settings=SETTINGS[:1])
        writer.begin("third", split="test", examples=EXAMPLES[::-1], settings=SETTINGS[1:])
        for unit in (0, 1):
            writer.commit("dev", unit, {0: unit_of(), 3: unit_of(tokens=2)}, environment=environment, seconds=1.5)
        assert (writer.done("dev"), writer.done("other"), writer.done("nothing")) == ({0, 1}, set(), set())
    with Reader(tmp_path) as reader:
        assert (reader.content(), reader.recipe()) == ("abc", recipe)
        assert list(reader.stages().items()) == [("dev", "dev"), ("other", "test"), ("third", "test")]
        assert (reader.examples("dev"), reader.examples("test"), reader.examples("train")) == (EXAMPLES, EXAMPLES[::-1], [])
        assert [reader.settings(stage) for stage in reader.stages()] == [SETTINGS, SETTINGS[:1], SETTINGS[1:]]
        assert (reader.done("dev"), reader.done("other")) == ([0, 1], [])
        assert reader.environments() == [{"engine": "e"}]
        generations, traces = list(reader.generations("dev")), list(reader.traces("dev"))
    assert generations[1] == Generation(
        unit=0, setting=0, seed=0, sample=1, text="text 0 1", finish="end", tokens=3, mean_entropy=10.5, mean_temperature=10.5
    )
    keys = [(g.unit, g.setting, g.seed, g.sample) for g in generations]
    assert keys == sorted(keys)
    assert len(set(keys)) == 2 * 2 * 2 * 2
    for generation, trace in zip(generations, traces, strict=True):
        written = completion(generation.setting, generation.sample, 3 if generation.seed == 0 else 2).trace
        assert np.array_equal(trace.tokens, written.tokens)
        assert np.allclose(trace.probability, written.probability, atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"start": 1}, [(1, 0), (1, 1), (2, 0), (2, 1)]),
        ({"stop": 1}, [(0, 0), (0, 1)]),
        ({"start": 1, "stop": 2}, [(1, 0), (1, 1)]),
        ({"setting": 1}, [(0, 1), (1, 1), (2, 1)]),
        ({"start": 1, "stop": 3, "setting": 0}, [(1, 0), (2, 0)]),
        ({"start": 3}, []),
        ({"stop": 0}, []),
    ],
)
def test_units_and_settings_can_be_asked_for(tmp_path: Path, asked: dict[str, int], expected: list[tuple[int, int]]):
    with writer_in(tmp_path) as writer:
        environment = begin(writer)
        for unit in range(3):
            writer.commit("dev", unit, {0: unit_of(samples=1)}, environment=environment, seconds=0)
    with Reader(tmp_path) as reader:
        assert [(g.unit, g.setting) for g in reader.generations("dev", **asked)] == expected
        traces = [float(trace.entropy[0]) for trace in reader.traces("dev", **asked)]
    assert traces == [setting for _, setting in expected]


def test_teacher_forced_steps_are_read_back_by_unit(tmp_path: Path):
    with writer_in(tmp_path) as writer:
        environment = begin(writer, "forced-dev")
        for unit in (1, 0):
            writer.commit_forced("forced-dev", unit, forced(tokens=4 + unit), environment=environment, seconds=0)
        assert writer.done("forced-dev") == {0, 1}
    with Reader(tmp_path) as reader:
        steps = list(reader.forced("forced-dev"))
        assert list(reader.forced("dev")) == list(reader.generations("forced-dev")) == []
    assert [s.nll.shape for s in steps] == [(2, 4), (2, 5)]
    for found, tokens in zip(steps, (4, 5), strict=True):
        for name, values in found._asdict().items():
            assert np.allclose(values, getattr(forced(tokens=tokens), name), atol=1e-6), name


def test_steps_survive_packing_whatever_their_shape():
    assert len(unpack(pack(unpack(b""))).tokens) == 0
    for settings, tokens in ((1, 1), (3, 1), (1, 6)):
        packed = pack_forced(forced(settings, tokens))
        assert len(packed) == 16 * settings * tokens
        assert unpack_forced(packed, settings).tempered_entropy.shape == (settings, tokens)


def test_pieces_are_kept_by_text_and_may_be_kept_again(tmp_path: Path):
    with writer_in(tmp_path) as writer, Reader(tmp_path) as reader:
        begin(writer)
        writer.keep_pieces("dev", {(0, 1, 0, 2): ["a", " \u00e9\n", ""], (1, 1, 0, 0): []})
        writer.keep_pieces("dev", {(1, 1, 0, 0): ["now"]})
        assert reader.pieces("dev") == {(0, 1, 0, 2): ["a", " \u00e9\n", ""], (1, 1, 0, 0): ["now"]}
        assert reader.pieces("test") == {}


def test_a_look_is_kept_once_for_each_number_of_prompts_and_stays_sequential(tmp_path: Path):
    with writer_in(tmp_path) as writer, Reader(tmp_path) as reader:
        assert reader.looks() == []
        for prompts, sequential in ((150, True), (100, False), (150, False), (100, False)):
            writer.look(prompts, sequential=sequential)
        assert reader.looks() == [Look(100, False), Look(150, True)]
        writer.look(100, sequential=True)
        assert reader.looks()[0] == Look(100, True)


def test_a_stage_begins_once_and_grows_by_more_prompts(tmp_path: Path):
    with writer_in(tmp_path) as writer, Reader(tmp_path) as reader:
        begin(writer, examples=EXAMPLES[:1])
        before = reader.settings("dev")
        begin(writer, examples=EXAMPLES[:1])
        assert (reader.settings("dev"), reader.examples("dev")) == (before, EXAMPLES[:1])
        begin(writer)
        begin(writer, examples=EXAMPLES[:1])
        assert reader.examples("dev") == EXAMPLES, "fewer prompts take none away"
        assert list(reader.stages()) == ["dev"]


@pytest.mark.parametrize(
    ("examples", "settings", "told"),
    [
        (EXAMPLES, SETTINGS[:1], "stage dev has other settings here"),
        (EXAMPLES, SETTINGS[::-1], "stage dev has other settings here"),
        (EXAMPLES, [SETTINGS[0], replace(SETTINGS[1], role="chosen")], "stage dev has other settings here"),
        (EXAMPLES[::-1], SETTINGS, "split dev has other prompts here"),
        ([EXAMPLES[0], replace(EXAMPLES[1], prompt="another")], SETTINGS, "split dev has other prompts here"),
        ([replace(EXAMPLES[0], references=("x",))], SETTINGS, "split dev has other prompts here"),
        ([*EXAMPLES, EXAMPLES[0]], SETTINGS, "split dev has other prompts here"),
    ],
)
def test_other_settings_or_prompts_are_refused_in_one_line(tmp_path: Path, examples: Any, settings: Any, told: str):
    with writer_in(tmp_path) as writer, Reader(tmp_path) as reader:
        begin(writer)
        with pytest.raises(StoreError, match=f"{told}; give --out another folder$") as error:
            writer.begin("dev", split="dev", examples=examples, settings=settings)
        assert "\n" not in str(error.value)
        assert (reader.examples("dev"), reader.settings("dev")) == (EXAMPLES, SETTINGS)


def test_a_stage_that_is_refused_leaves_nothing_behind(tmp_path: Path):
    with writer_in(tmp_path) as writer, Reader(tmp_path) as reader:
        begin(writer)
        with pytest.raises(StoreError, match="other prompts"):
            begin(writer, "forced-dev", examples=EXAMPLES[::-1])
        assert list(reader.stages()) == ["dev"]
        assert reader.settings("forced-dev") == []


def test_a_trace_without_tokens_has_no_mean(tmp_path: Path):
    with writer_in(tmp_path) as writer:
        writer.commit("dev", 0, {0: unit_of(1, 1, tokens=0)}, environment=begin(writer), seconds=0)
    with Reader(tmp_path) as reader:
        (generation,) = reader.generations("dev")
    assert (generation.tokens, generation.mean_entropy, generation.mean_temperature) == (0, None, None)


def test_a_comparison_of_texts_without_tokens_comes_to_its_end(tmp_path: Path):
    class Silent(FakeEngine):
        def complete(self, request: Any, setting: int, sample: int) -> Completion:
            return replace(completion(setting, sample, tokens=0), request=request.id, text="")

    compare(fake_comparison(2, dev=2), tmp_path, Silent())
    lines = exported(fake_comparison(2, dev=2), tmp_path).splitlines()
    assert sum('"H": [], "T": [], "p": []' in line for line in lines) == 2 * 7 * 2 + 2 * 8 * 2 + 2 * 2


def test_a_unit_is_all_or_nothing(tmp_path: Path):
    completions = unit_of()
    with writer_in(tmp_path) as writer:
        environment = begin(writer)
        with pytest.raises(StoreError, match="UNIQUE"):
            writer.commit("dev", 0, {0: [*completions, completions[0]]}, environment=environment, seconds=0)
        assert writer.done("dev") == set()
        writer.commit("dev", 0, {0: completions}, environment=environment, seconds=0)
        with pytest.raises(StoreError, match="UNIQUE"):
            writer.commit("dev", 0, {3: completions}, environment=environment, seconds=0)
    with Reader(tmp_path) as reader:
        assert len(list(reader.generations("dev"))) == len(completions)


def test_a_forced_unit_is_all_or_nothing(tmp_path: Path):
    with writer_in(tmp_path) as writer:
        environment = begin(writer, "forced-dev")
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            writer.commit_forced("forced-dev", 0, forced(), environment=99, seconds=0)
        assert writer.done("forced-dev") == set()
        writer.commit_forced("forced-dev", 0, forced(), environment=environment, seconds=0)
        with pytest.raises(StoreError, match="UNIQUE"):
            writer.commit_forced("forced-dev", 0, forced(more=1), environment=environment, seconds=0)
    with Reader(tmp_path) as reader:
        (steps,) = reader.forced("forced-dev")
    assert np.allclose(steps.nll, forced().nll, atol=1e-6)


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path: Path):
    fakes = str(Path(__file__).parents[1] / "experiments")
    code = HOLD.format(fakes=fakes, out=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreLockedError, match=f"process {holder.pid} is running this") as error:
            fake_comparison().writer(tmp_path)
        assert "\n" not in str(error.value)
        holder.kill()
        holder.wait()
    with fake_comparison().writer(tmp_path) as writer:  # the lock died with its process
        assert writer.done("dev") == set()


@pytest.mark.parametrize("stage_of", [dev_stage, lambda comparison: forced_stage(comparison, "dev")])
def test_a_full_disk_keeps_the_units_that_are_done(tmp_path: Path, stage_of: Any):
    comparison = fake_comparison(2, dev=40)
    stage = stage_of(comparison)
    with comparison.writer(tmp_path) as writer:
        forced_stage(comparison, "dev").begin(writer)
        dev_stage(comparison).begin(writer)
        environment, _ = writer.environment(FakeEngine().describe() | {"cache_bytes": "default"})
        (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
        writer._connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        with pytest.raises(StoreError, match="the disk is full") as error:
            _commit_all(stage, writer, environment)
        done = writer.done(stage.name)
    assert "\n" not in str(error.value)
    assert 0 < len(done) < 40
    compare(comparison, tmp_path)
    compare(comparison, tmp_path / "whole")
    assert exported(comparison, tmp_path) == exported(comparison, tmp_path / "whole")


def _commit_all(stage: Stage, writer: Writer, environment: int) -> None:
    engine = FakeEngine()
    for unit, example in enumerate(stage.examples):
        (request,) = stage.requests(unit)
        if stage.forced:
            found = engine.force(request, example.references[0])
            writer.commit_forced(stage.name, unit, found, environment=environment, seconds=0)
        else:
            writer.commit(stage.name, unit, {0: next(engine.generate([request]))}, environment=environment, seconds=0)


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path):
    comparison = fake_comparison(3)
    with comparison.writer(tmp_path) as writer, Reader(writer.path) as reader:
        units = decode(dev_stage(comparison), engine=FakeEngine(), writer=writer)
        for done in range(1, 5):
            next(units)
            assert len(list(reader.generations("dev"))) == done * 7 * 2
            assert sum('"kind": "text"' in line for line in export(reader)) == done * 7 * 2


def test_files_that_are_no_run_are_told_apart(tmp_path: Path):
    with pytest.raises(StoreError, match="no run is here"):
        Reader(tmp_path / "nowhere")
    (tmp_path / "run.sqlite").write_text("x" * 2000)
    with pytest.raises(StoreError, match="is not a run"):
        Reader(tmp_path)
    for schema in (1, 2, 99):
        with sqlite3.connect(tmp_path / f"other{schema}.sqlite") as other:
            other.execute(f"PRAGMA user_version = {schema}")
        with pytest.raises(StoreError, match=f"another version of edt-sampling .schema {schema}, this one reads 3"):
            Reader(tmp_path / f"other{schema}.sqlite")


def test_a_folder_that_holds_another_recipe_is_refused(tmp_path: Path):
    comparison, other = fake_comparison(2), fake_comparison(2, samples=3)
    with comparison.writer(tmp_path):
        pass
    comparison.folder(tmp_path).rename(other.folder(tmp_path))
    with pytest.raises(StoreError, match="holds another recipe"):
        other.writer(tmp_path)
    with comparison.writer(tmp_path):  # and the lock was given back
        pass
