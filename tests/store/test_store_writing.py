"""The store: one transaction a unit, one writer, and one line for each thing that can go wrong."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_run import FakeEngine, decode, exported, fake_plan

from edt_sampling.experiments.plan import Plan
from edt_sampling.store import Reader, StoreError, StoreLockedError, Writer, export
from edt_sampling.store.traces import pack, unpack

HOLD = """
import sys
from pathlib import Path
sys.path.insert(0, {fakes!r})
from fake_run import fake_plan
with fake_plan().writer(Path({out!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_is_written_is_read_back(tmp_path: Path):
    plan = fake_plan(2)
    decode(plan, tmp_path)
    expected = [c for unit in range(2) for (c,) in [list(FakeEngine().generate(plan.requests(unit)))]]
    completions = [c for group in expected for c in group]
    with Reader(plan.folder(tmp_path)) as reader:
        generations, traces = list(reader.generations()), list(reader.traces())
        assert [e.id for e in reader.examples()] == ["x0", "x1"]
        assert [(s.method, s.policy) for s in reader.settings()][2] == ("EDT", "edt:t0=1,theta=0.2")
        assert reader.recipe() == plan.recipe.model_dump(mode="json")
        assert reader.content() == plan.content
    assert [g.text for g in generations] == [c.text for c in completions]
    for generation, trace, completion in zip(generations, traces, completions, strict=True):
        assert generation.mean_entropy == pytest.approx(completion.trace.entropy.mean())
        assert generation.tokens == len(completion.trace.tokens)
        assert np.array_equal(trace.tokens, completion.trace.tokens)
        assert np.allclose(trace.probability, completion.trace.probability, atol=1e-7)


def test_a_trace_without_tokens_has_no_mean(tmp_path: Path):
    class Silent(FakeEngine):
        def generate(self, requests):  # type: ignore[no-untyped-def]
            empty = np.zeros(0)
            trace = type(next(super().generate(requests))[0].trace)(tokens=empty, entropy=empty, temperature=empty, probability=empty)
            for completions in super().generate(requests):
                yield [type(c)(**{**c.__dict__, "text": "", "trace": trace}) for c in completions]

    plan = fake_plan(1)
    decode(plan, tmp_path, Silent())
    assert json.loads(exported(plan, tmp_path).splitlines()[0])["mean_entropy"] is None
    assert len(unpack(pack(unpack(b""))).tokens) == 0


def test_a_unit_is_all_or_nothing(tmp_path: Path):
    plan = fake_plan(2)
    with plan.writer(tmp_path) as writer:
        environment, _ = writer.environment({})
        (completions,) = FakeEngine().generate(plan.requests(0))
        with pytest.raises(StoreError, match="UNIQUE"):
            writer.commit(0, {0: [*completions, completions[0]]}, environment=environment, seconds=0)
        assert writer.done() == set()
        writer.commit(0, {0: completions}, environment=environment, seconds=0)
        with pytest.raises(StoreError, match="UNIQUE"):
            writer.commit(0, {0: completions}, environment=environment, seconds=0)
    with Reader(plan.folder(tmp_path)) as reader:
        assert len(list(reader.generations())) == len(completions)


def test_a_second_process_is_refused_with_the_pid_of_the_first(tmp_path: Path):
    fakes = str(Path(__file__).parents[1] / "experiments")
    code = HOLD.format(fakes=fakes, out=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreLockedError, match=f"process {holder.pid} is running this") as error:
            fake_plan().writer(tmp_path)
        assert "\n" not in str(error.value)
        holder.kill()
        holder.wait()
    with fake_plan().writer(tmp_path) as writer:  # the lock died with its process
        assert writer.done() == set()


def test_a_full_disk_keeps_the_units_that_are_done(tmp_path: Path):
    plan = fake_plan(40)
    with plan.writer(tmp_path) as writer:
        environment, _ = writer.environment({})
        (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
        writer._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(StoreError, match="the disk is full") as error:
            _commit_all(plan, writer, environment)
        done = writer.done()
    assert "\n" not in str(error.value)
    assert 0 < len(done) < 40
    decode(plan, tmp_path)
    decode(plan, tmp_path / "whole")
    assert exported(plan, tmp_path) == exported(plan, tmp_path / "whole")


def _commit_all(plan: Plan, writer: Writer, environment: int) -> None:
    for unit in range(len(plan.examples)):
        (completions,) = FakeEngine().generate(plan.requests(unit))
        writer.commit(unit, {0: completions}, environment=environment, seconds=0)


def test_export_is_one_line_a_generation_in_order(tmp_path: Path):
    plan = fake_plan(3, seeds=[5, 2])
    decode(plan, tmp_path)
    lines = [json.loads(line) for line in exported(plan, tmp_path).splitlines()]
    keys = [(line["unit"], line["setting"], line["seed"], line["sample"]) for line in lines]
    assert keys == sorted(keys)
    assert len(set(keys)) == plan.texts
    assert list(lines[0])[:8] == ["unit", "example", "setting", "method", "policy", "filters", "seed", "sample"]


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path):
    plan = fake_plan(3)
    with plan.writer(tmp_path) as writer:
        environment, _ = writer.environment({})
        (completions,) = FakeEngine().generate(plan.requests(0))
        writer.commit(0, {0: completions}, environment=environment, seconds=0)
        with Reader(plan.folder(tmp_path)) as reader:
            assert len(list(export(reader))) == len(completions)


def test_files_that_are_no_run_are_told_apart(tmp_path: Path):
    with pytest.raises(StoreError, match="no run is here"):
        Reader(tmp_path / "nowhere")
    (tmp_path / "run.sqlite").write_text("x" * 2000)
    with pytest.raises(StoreError, match="is not a run"):
        Reader(tmp_path)
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        Reader(tmp_path / "other.sqlite")


def test_a_folder_that_holds_another_recipe_is_refused(tmp_path: Path):
    plan, other = fake_plan(2), fake_plan(2, samples=3)
    decode(plan, tmp_path)
    plan.folder(tmp_path).rename(other.folder(tmp_path))
    with pytest.raises(StoreError, match="holds another recipe"):
        other.writer(tmp_path)
    with plan.writer(tmp_path):  # and the lock was given back
        pass
