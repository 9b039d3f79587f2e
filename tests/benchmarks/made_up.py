"""Cases and records with times that somebody thought of."""

from __future__ import annotations

from benchmarks.record import Case, Record
from benchmarks.side_by_side import Timing


def case(times, *, others=0.0, threads=1, cores=2, facts=None, **labels):
    """A case with these wall seconds by contender; the CPU seconds are twice as many."""
    timings = {name: Timing(list(wall), [2 * s for s in wall]) for name, wall in times.items()}
    return Case(labels=labels, times=timings, others=others, threads=threads, cores=cores, facts=facts or {})


def draw(today, edt, *, rows=8, words=128_256, numbers="float32", filters="none", logits="noise", **more):
    """A case of the part ``draw`` with three rounds alike; the fixed temperature takes as long as EDT, the floor half."""
    times = {"today": today, "Fixed": edt, "EDT": edt, "edt.sample": edt, "floor": edt / 2}
    labels = {"rows": rows, "words": words, "numbers": numbers, "filters": filters, "logits": logits}
    return case({name: [s] * 3 for name, s in times.items()}, **labels, **more)


def record(part, *cases):
    machine = {
        "cpu": "A processor",
        "cores": 2,
        "abilities": ["avx2"],
        "system": "Linux",
        "python": "3.11.7",
        "packages": {"torch": "2.13.0"},
    }
    return Record(part=part, machine=machine, quick=False, threads=1, day="2026-01-02", cases=cases)
