"""What others take of the cores."""

import subprocess
import sys
import time

import pytest
from benchmarks.load import Load, Sample, busy_seconds, own_seconds, too_much

from benchmarks import load

STAT = """cpu  999 9 9 9 9 9 9 9 0 0
cpu0 100 20 30 4000 50 6 7 8 90 0
cpu1 1 1 1 1 1 1 1 1 0 0
cpu11 500 0 0 0 0 0 0 0 0 0
intr 1 2 3""".splitlines()


def test_seconds_of_our_cores_alone_and_neither_idle_nor_guests_twice(monkeypatch):
    monkeypatch.setattr(load.os, "sysconf", lambda _: 100)
    assert busy_seconds(STAT, [0]) == pytest.approx((100 + 20 + 30 + 6 + 7 + 8) / 100)
    assert busy_seconds(STAT, [0, 1]) == pytest.approx((171 + 6) / 100)


def watching(*samples, threads=1):
    return Load(threads=threads, sample=iter([Sample(*s) for s in samples]).__next__)


def test_others_are_what_is_busy_and_not_ours():
    watch = watching((0, 50, 0), (10, 60, 4), (20, 75, 9))
    assert watch.mark() == 10
    assert watch.others(10) == pytest.approx(((75 - 60) - (9 - 4)) / 10)


def test_a_short_time_is_looked_at_with_what_came_before():
    watch = watching((0, 0, 0), (9.9, 0, 0), (10, 5, 0))
    watch.mark()
    assert watch.others(9.9) == pytest.approx(0.5)


def test_rounding_never_makes_others_negative():
    assert watching((0, 0, 0), (10, 5, 7)).others(0) == 0


def test_without_counters_the_load_average_less_our_threads(monkeypatch):
    monkeypatch.setattr(load.os, "getloadavg", lambda: (3.5, 0, 0))
    assert Load(threads=2, sample=lambda: None).others(0) == pytest.approx(1.5)
    assert Load(threads=4, sample=lambda: None).others(0) == 0


@pytest.mark.parametrize(("others", "threads", "busy"), [(0.1, 2, False), (0.3, 2, True), (1.1, 1, False), (1.3, 1, True), (0, 3, True)])
def test_more_than_there_is(others, threads, busy):
    assert too_much(others, threads=threads, cores=2) is busy


@pytest.mark.skipif(load.sampled() is None, reason="no /proc/stat here")
def test_a_child_that_runs_counts_as_ours():
    before, patience = own_seconds() - time.process_time(), time.monotonic() + 30
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        while own_seconds() - time.process_time() - before < 0.1 and time.monotonic() < patience:
            pass
        found = own_seconds() - time.process_time() - before
        child.kill()
    assert found >= 0.1


@pytest.mark.skipif(load.sampled() is None, reason="no /proc/stat here")
def test_counters_of_this_machine_rise():
    first = load.sampled()
    while time.perf_counter() - first.at < 0.3:
        pass
    second = load.sampled()
    assert second.busy - first.busy > 0.1
    assert second.own - first.own > 0.1
