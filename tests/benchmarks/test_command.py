"""``python -m benchmarks``: parts, records that survive an interrupt, and going on."""

from types import SimpleNamespace

import pytest
from benchmarks.parts import PARTS, Place
from click.testing import CliRunner
from made_up import case

from benchmarks import __main__ as command


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command on two parts of ours; ``run.measured`` names those that were measured."""
    state = SimpleNamespace(measured=[], interrupt=False, fail=False)

    def part(name):
        def measure(bench):
            if name == "second" and state.interrupt:
                raise KeyboardInterrupt
            if name == "first" and state.fail:
                raise RuntimeError("no such thing")
            state.measured.append(name)
            yield bench.case({"quick": bench.quick}, {"a": lambda: None}, rounds=1)

        return SimpleNamespace(TITLE=name, measure=measure)

    monkeypatch.setattr(command, "PARTS", {"first": Place("-", ()), "second": Place("-", ()), "absent": Place("-", ("no_such_package",))})
    monkeypatch.setattr(command, "missing", lambda name: ["no_such_package"] if name == "absent" else [])
    monkeypatch.setattr(command, "load", part)
    monkeypatch.setattr(command, "use", lambda threads: None)
    monkeypatch.setattr(command, "blocks", lambda records: {r.part: f"{len(r.cases)} case" for r in records})

    def invoke(*words):
        return CliRunner().invoke(command.main, [*words, "--threads", "1", "--out", str(tmp_path / "out")])

    return SimpleNamespace(invoke=invoke, state=state, out=tmp_path / "out")


def test_all_parts_run_and_one_that_cannot_says_why(run):
    result = run.invoke()
    assert result.exit_code == 0
    assert run.state.measured == ["first", "second"]
    assert "absent: left out, because no_such_package is not installed here" in result.stderr
    assert result.stdout == "## first\n\n1 case\n\n## second\n\n1 case\n\n"


def test_a_part_alone(run):
    assert "first" not in run.invoke("second").stdout
    assert run.state.measured == ["second"]


def test_a_part_that_is_none_is_refused(run):
    result = run.invoke("frist")
    assert result.exit_code == 2
    assert "PART must be among first, second, absent, got frist" in result.stderr


def test_an_interrupt_keeps_what_is_finished_and_resume_goes_on(run):
    run.state.interrupt = True
    result = run.invoke()
    assert result.exit_code == 130
    assert [p.name for p in run.out.iterdir()] == ["first.json"]
    assert "stopped; first kept in" in result.stderr
    run.state.interrupt = False
    assert run.invoke("--resume").exit_code == 0
    assert run.state.measured == ["first", "second"]


def test_a_part_that_fails_says_so_and_the_others_go_on(run):
    run.state.fail = True
    result = run.invoke()
    assert result.exit_code == 1
    assert run.state.measured == ["second"]
    assert "RuntimeError: no such thing" in result.stderr
    assert "failed: first; the errors stand above" in result.stderr
    assert result.stdout == "## second\n\n1 case\n\n"


def test_resume_measures_again_what_was_measured_otherwise(run):
    run.invoke("first", "--quick")
    run.invoke("first", "--resume")
    assert run.state.measured == ["first", "first"]
    run.invoke("first", "--resume")
    assert run.state.measured == ["first", "first"]


def test_without_resume_everything_is_measured_again(run):
    run.invoke("first")
    run.invoke("first")
    assert run.state.measured == ["first", "first"]


def test_threads_reach_the_libraries_that_read_them_when_imported(monkeypatch):
    names = (*command.THREADS, "HF_HUB_OFFLINE")
    for name in names:
        monkeypatch.setenv(name, "0")
    import torch

    before = torch.get_num_threads()
    try:
        command.use(1)
        assert [command.os.environ[name] for name in names] == ["1", "1", "1", "0"]
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_every_part_has_its_module():
    from importlib.util import find_spec

    assert all(find_spec(f"benchmarks.{place.module}") for place in PARTS.values())


def test_progress_says_what_others_took():
    from benchmarks.bench import _told

    assert _told(case({"a": [0.002]}, rows=128_256)) == "  rows 128,256: a 2 ms"
    assert _told(case({"a": [0.002]}, others=1.94)).endswith("| others took 1.9 cores")
