"""pass@k by its definition, and programs that try to get out of their limits."""

import threading
import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edt_sampling.metrics.passes import Passes, at_least_one
from edt_sampling.metrics.programs import Limits, passed, trial, unenforced

SHORT = Limits(seconds=1, memory=512 << 20)


@given(outputs=st.integers(1, 8), data=st.data())
def test_pass_at_k_is_the_share_of_all_choices_of_k_that_hold_one_that_passes(outputs: int, data: st.DataObject):
    passing, k = data.draw(st.integers(0, outputs)), data.draw(st.integers(1, outputs))
    choices = list(combinations([True] * passing + [False] * (outputs - passing), k))
    assert at_least_one(passing, outputs, k) == pytest.approx(sum(map(any, choices)) / len(choices), abs=1e-12)


PROMPT = "def half(x):\n"
CHECK = "assert half(4) == 2\nassert half(3) == 1.5"
RIGHT, WRONG = "    return x / 2\n", "    return x // 2\n"


def test_a_prompts_outputs_are_run_behind_it_and_counted():
    groups = [(RIGHT, WRONG, RIGHT, "    return (\n"), (WRONG, WRONG, WRONG, WRONG)]
    one = Passes(run=True).scores(groups, [PROMPT] * 2, [CHECK] * 2)
    assert one.tolist() == [0.5, 0.0]
    assert one.dtype == np.float64
    two = Passes(k=2, run=True).scores(groups, [PROMPT] * 2, [CHECK] * 2)
    assert two.tolist() == pytest.approx([1 - 1 / 6, 0.0]), "of the six pairs of four, one holds neither of the two that pass"
    assert Passes(run=True).outcomes([RIGHT, WRONG], [PROMPT] * 2, [CHECK] * 2).tolist() == [1.0, 0.0]
    assert Passes(run=True).scores([], [], []).tolist() == []


def test_nothing_runs_unless_it_is_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edt_sampling.metrics.passes.passed", lambda *a, **k: pytest.fail("it ran"))
    with pytest.raises(ValueError, match="runs programs that the model wrote, on this machine: allow that with --run-code"):
        Passes().scores([(RIGHT,)], [PROMPT], [CHECK])


@pytest.mark.parametrize(
    ("metric", "check", "told"),
    [
        (Passes(k=2, run=True), CHECK, r"k must be at most the outputs of groups\[0\], 1, got 2"),
        (Passes(run=True), None, r"checks\[0\] is missing: metric passes needs examples with a check"),
    ],
)
def test_what_cannot_be_scored_is_told(metric: Passes, check: str | None, told: str):
    with pytest.raises(ValueError, match=told):
        metric.scores([(RIGHT,)], [PROMPT], [check])


@pytest.mark.parametrize("fields", [{"k": 0}, {"seconds": 0}, {"seconds": 1.5}])
def test_bad_parameters_are_named(fields: dict[str, int]):
    with pytest.raises(ValueError, match=f"{next(iter(fields))} must be"):
        Passes(**fields)


def test_signatures_tell_k_and_limits():
    assert Passes().name == "passes"
    assert Passes(k=5).name == "passes_5"
    assert Passes(k=5, seconds=7).signature.startswith("pass@5|unbiased|seconds:7|MiB:1024|python:3.")


def guarded(action: str, errors: str = "OSError") -> str:
    """A program that notes whether an action failed as it should."""
    return f"done = False\ntry:\n    {action}\n    done = True\nexcept {errors} as error:\n    told = str(error)\n"


PASS = {
    "small files": ("open('a', 'w').write('x' * 100)", "assert open('a').read() == 'x' * 100"),
    "reading": ("text = open('/etc/hosts').read()", "assert text"),
    "output and input": ("import sys\nprint('x' * 100)\nprint('y', file=sys.stderr)\nread = sys.stdin.read()", "assert read == ''"),
    "no environment": ("import os", "assert set(os.environ) <= {'LC_CTYPE', '__CF_USER_TEXT_ENCODING'}"),
    "an empty folder": ("import os", "assert os.listdir('.') == []"),
    "no packages": (guarded("import numpy", "ImportError"), "assert not done"),
    "no fork": (guarded("__import__('os').fork()"), "assert not done"),
    "no thread": (guarded("__import__('threading').Thread(target=print).start()", "RuntimeError"), "assert not done"),
    "no other program": (guarded("__import__('subprocess').run(['true'])"), "assert not done"),
    "its name is not main": ("ran = __name__ == '__main__'", "assert not ran"),
}
CONFINED = {
    "no network": (guarded("__import__('socket').create_connection(('127.0.0.1', 9), 1)"), "assert 'nreachable' in told"),
    "no file elsewhere": (guarded("open('/tmp/edt-escaped', 'w')"), "assert not done"),
    "no signal": (guarded("__import__('os').kill(__import__('os').getppid(), 0)"), "assert not done"),
}
FAIL = {
    "a wrong answer": ("x = 1", "assert x == 2"),
    "no Python": ("def f(:", ""),
    "leaving before the tests": ("import sys\nsys.exit(0)", "assert False"),
    "leaving at once": ("import os\nos._exit(0)", "assert False"),
    "printing what might count": ("print('ok')\nimport os\nos._exit(0)", "assert False"),
    "leaving quotes open": ("x = 1\n'''", "assert True"),
    "endless recursion": ("def f():\n    return f()\nf()", ""),
    "a crash": ("import ctypes\nctypes.string_at(0)", ""),
    "brackets without end": ("(" * 100_000, ""),
    "memory at once": ("x = bytearray(2 << 30)", ""),
    "memory piece by piece": ("x = []\nwhile True:\n    x.append(bytearray(1 << 24))", ""),
    "a big file": ("open('a', 'wb').write(b'x' * (2 << 20))", ""),
    "a fork bomb": ("import os\nwhile True:\n    os.fork()", ""),
    "closing every file and going on": ("import os\nos.closerange(0, 100)\nwhile True:\n    pass", ""),
    "a check that fails on its own": ("x = 1", "raise SystemExit(0)"),
}


def test_what_programs_may_do_and_what_they_may_not():
    cases = PASS | FAIL
    outcomes = passed([p for p, _ in cases.values()], [c for _, c in cases.values()], limits=SHORT)
    assert dict(zip(cases, outcomes, strict=True)) == dict.fromkeys(PASS, True) | dict.fromkeys(FAIL, False)


@pytest.mark.parametrize("name", CONFINED)
def test_what_this_platform_can_deny_is_denied(name: str):
    denied = {"no network": "network", "no file elsewhere": "writing to other folders", "no signal": "signals to other processes"}
    if denied[name] in unenforced(SHORT):
        pytest.skip(f"not enforced here: {denied[name]}")
    assert trial(*CONFINED[name], limits=SHORT)[0]


@pytest.mark.parametrize(("program", "most"), [("while True: pass", 2.5), ("import time\ntime.sleep(60)", 4.5)], ids=["busy", "asleep"])
def test_what_never_ends_is_killed(program: str, most: float):
    began = time.perf_counter()
    assert trial(program, "", limits=SHORT)[0] is False
    assert time.perf_counter() - began < most + 3, "seconds, and what a busy machine adds"


def test_as_many_run_at_once_as_are_allowed_and_equal_ones_once(monkeypatch: pytest.MonkeyPatch):
    running = most = 0
    started: list[str] = []
    lock = threading.Lock()

    def counted(program: str, check: str, *, limits: Limits) -> tuple[bool, str]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            started.append(program)
        time.sleep(0.02)
        with lock:
            running -= 1
        return program.endswith("0"), ""

    monkeypatch.setattr("edt_sampling.metrics.programs.trials.unenforced", lambda limits: ())
    monkeypatch.setattr("edt_sampling.metrics.programs.trials.trial", counted)
    programs = [f"counted {i}" for i in range(12)] * 2
    assert passed(programs, [""] * 24, limits=SHORT, workers=3) == [i in (0, 10) for i in range(12)] * 2
    assert most == 3
    assert sorted(started) == sorted(set(programs))
    assert passed(programs[:1], [""], limits=SHORT) == [True]
    assert len(started) == 12, "known by now"


def test_where_nothing_runs_the_reason_is_told():
    with pytest.raises(ValueError, match="programs cannot be run here within 1 MiB and 1 s, not even one that does nothing"):
        unenforced(Limits(seconds=1, memory=1 << 20))
