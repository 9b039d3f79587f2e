"""Work dealt out to processes: the same values in the same order, and nothing left running."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edt_sampling.metrics import cores, rouge_l
from edt_sampling.metrics.cores import dealt
from edt_sampling.metrics.rouge_l import RougeL

PARENT = "EDT_TEST_PARENT"
OUTPUTS = [f"w{i} w{i + 1} w{3 * i} the cat" for i in range(23)]
REFERENCES = [[f"the w{i}", f"w{i + 1} cat w{i}"] for i in range(23)]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started from now on."""
    found: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def kept(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        found.append(start(*args, **options))
        return found[-1]

    monkeypatch.setenv(PARENT, str(os.getpid()))
    monkeypatch.syspath_prepend(Path(__file__).parents[2])  # from where the processes know this file
    monkeypatch.setattr(cores.subprocess, "Popen", kept)
    return found


def here() -> bool:
    return os.environ[PARENT] == str(os.getpid())


def where(numbers: list[int]) -> list[float]:
    """Each number, below 0 where another process found it."""
    return [float(number if here() else -number) for number in numbers]


def failing_elsewhere(numbers: list[int]) -> list[float]:
    return where(numbers) if here() else sys.exit(3)


def interrupted_here(numbers: list[int]) -> list[float]:
    if here():
        raise KeyboardInterrupt
    signal.pause()
    return where(numbers)


def test_shares_come_back_in_order(started: list[Any]) -> None:
    assert dealt(where, [range(1, 8)], least=2, threads=3) == [1, 2, -3, -4, -5, -6, -7]
    assert [process.returncode for process in started] == [0, 0]


@pytest.mark.parametrize(("least", "threads"), [(8, 4), (1, 1), (4, 2)])
def test_small_work_and_one_thread_start_no_process(least: int, threads: int, started: list[Any]) -> None:
    assert dealt(where, [range(1, 8)], least=least, threads=threads) == [1, 2, 3, 4, 5, 6, 7]
    assert not started


def test_one_core_starts_no_process(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "cores", lambda: 1)
    assert dealt(where, [range(1, 4)], least=1) == [1, 2, 3]
    assert not started


def test_a_process_that_fails_is_an_error_and_none_is_left(started: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="ended with status 3: run it in one, with threads=1"):
        dealt(failing_elsewhere, [range(1, 8)], least=2, threads=3)
    assert [process.poll() for process in started].count(None) == 0


def test_an_interrupt_ends_them_all(started: list[Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        dealt(interrupted_here, [range(1, 8)], least=2, threads=3)
    assert [process.returncode for process in started] == [-signal.SIGKILL, -signal.SIGKILL]


@pytest.mark.parametrize("options", [{}, {"tokenizer": "unicode"}])
def test_rouge_l_on_two_cores_is_rouge_l_to_the_last_bit(
    options: dict[str, Any], started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = RougeL(**options, threads=2)
    expected = metric.scores(OUTPUTS, REFERENCES).tolist()
    assert not started
    monkeypatch.setattr(rouge_l, "_LEAST", 10)
    assert metric.scores(OUTPUTS, REFERENCES).tolist() == expected
    assert started


def test_a_script_without_a_main_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "from edt_sampling.metrics import rouge_l\n"
        "rouge_l._LEAST = 1\n"
        "print(rouge_l.RougeL(threads=2).scores(['a b', 'a'], [['a b'], ['b']]))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "[1. 0.]\n"
