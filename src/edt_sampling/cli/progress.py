"""Progress of a run on standard error: a bar on a terminal, a line every tenth where it is a file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def shown(units: Iterable[int], *, done: int, total: int) -> Iterator[int]:
    """The units as they come, counted on standard error: ``done`` of ``total`` were there before."""
    console = Console(stderr=True)
    with _bar(console, done, total) if console.is_terminal else _lines(console, done, total) as step:
        for unit in units:
            step()
            yield unit


@contextmanager
def _bar(console: Console, done: int, total: int) -> Generator[Callable[[], None]]:
    rate = TextColumn("{task.fields[rate]}")
    columns = (
        TextColumn("prompts"),
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task, began = progress.add_task("prompts", total=total, completed=done, rate=""), perf_counter()
        finished = 0

        def step() -> None:
            nonlocal finished
            finished += 1
            progress.update(task, advance=1, rate=_rate(finished, began))

        yield step


@contextmanager
def _lines(console: Console, done: int, total: int) -> Generator[Callable[[], None]]:
    began, finished = perf_counter(), 0

    def step() -> None:
        nonlocal finished
        finished += 1
        now = done + finished
        if now * 10 // total > (now - 1) * 10 // total:
            left = (total - now) * (perf_counter() - began) / finished
            console.print(f"{now} of {total} prompts, {_rate(finished, began)}, {left:.0f} s left", highlight=False)

    yield step


def _rate(finished: int, began: float) -> str:
    return f"{finished / max(perf_counter() - began, 1e-9):.2f}/s"
