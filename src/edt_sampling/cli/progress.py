"""Progress of a run on standard error: a bar on a terminal, a line every tenth where it is a file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def shown(units: Iterable[int], *, done: int, total: int) -> Iterator[int]:
    """The units as they come, counted on standard error: ``done`` of ``total`` were there before."""
    with counting(done=done, total=total, what="prompts") as step:
        for unit in units:
            step()
            yield unit


@contextmanager
def counting(*, done: int, total: int, what: str) -> Generator[Callable[[], None]]:
    """Something that counts one more each time it is called, shown on standard error: ``done`` of ``total`` were there before."""
    console = Console(stderr=True)
    with _bar(console, done, total, what) if console.is_terminal else _lines(console, done, total, what) as step:
        yield step


@contextmanager
def _bar(console: Console, done: int, total: int, what: str) -> Generator[Callable[[], None]]:
    rate = TextColumn("{task.fields[rate]}")
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task, began = progress.add_task(what, total=total, completed=done, rate=""), perf_counter()
        finished = 0

        def step() -> None:
            nonlocal finished
            finished += 1
            progress.update(task, advance=1, rate=_rate(finished, began))

        yield step


@contextmanager
def _lines(console: Console, done: int, total: int, what: str) -> Generator[Callable[[], None]]:
    began, finished = perf_counter(), 0

    def step() -> None:
        nonlocal finished
        finished += 1
        now = done + finished
        if now * 10 // total > (now - 1) * 10 // total:
            left = (total - now) * (perf_counter() - began) / finished
            console.print(f"{now} of {total} {what}, {_rate(finished, began)}, {left:.0f} s left", highlight=False)

    yield step


def _rate(finished: int, began: float) -> str:
    return f"{finished / max(perf_counter() - began, 1e-9):.2f}/s"
