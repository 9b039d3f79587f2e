"""``python -m benchmarks``: measures, prints the tables, and with ``--write`` puts them into docs/performance.md."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from time import perf_counter

import click
from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.load import Load, own_cores
from benchmarks.machine import machine
from benchmarks.page import PAGE, blocks, write_page
from benchmarks.parts import PARTS, load, missing
from benchmarks.record import Record, read

CONSOLE = Console(stderr=True, highlight=False, soft_wrap=True)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@click.command()
@click.argument("names", nargs=-1, metavar="[PART]...")
@click.option("--quick", is_flag=True, help="fewer sizes, and a quarter of the time for each")
@click.option("--threads", type=click.IntRange(min=1), help="threads of ours, as many as there are cores where not given")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/benchmarks"), show_default=True,
              help="folder of the parts' records, JSON")  # fmt: skip
@click.option("--resume", is_flag=True, help="keep the parts whose records are in the folder already and were made with these options")
@click.option("--write", is_flag=True, help="write tables, picture and records into docs/performance.md and the folder beside it")
def main(names: tuple[str, ...], quick: bool, threads: int | None, out: Path, resume: bool, write: bool) -> None:
    """Speed on this machine, side by side in one run: today's path, ours at a fixed temperature, ours with EDT.

    Without PART all of them run, about ten minutes on two cores. An interrupt keeps the parts that are finished: go on with --resume.
    """
    if unknown := [name for name in names if name not in PARTS]:
        raise click.BadParameter(f"PART must be among {', '.join(PARTS)}, got {unknown[0]}")
    threads = threads or len(own_cores())
    use(threads)
    records, failed = list[Record](), list[str]()
    try:
        for name in names or PARTS:
            if found := _kept(out, name, quick, threads) if resume else None:
                CONSOLE.print(f"{name}: kept from {found.day}")
            records += [found] if found else _measured(name, quick=quick, threads=threads, out=out, failed=failed)
    except KeyboardInterrupt:
        CONSOLE.print(f"stopped; {', '.join(r.part for r in records) or 'no part'} kept in {out}: the same command with --resume goes on")
        sys.exit(130)
    _show(records)
    if write:
        write_page(records)
        CONSOLE.print(f"written: {PAGE}")
    if failed:
        CONSOLE.print(f"failed: {', '.join(failed)}; the errors stand above, and the same command with --resume tries again")
        sys.exit(1)


def use(threads: int) -> None:
    """Limits every library to so many threads; they read this when they are imported."""
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if not missing("draw"):
        import torch

        torch.set_num_threads(threads)


def _measured(name: str, *, quick: bool, threads: int, out: Path, failed: list[str]) -> list[Record]:
    """The part's record, on disk by now; none where something that it needs is not installed, or where it failed: the others go on."""
    if packages := missing(name):
        CONSOLE.print(f"{name}: left out, because {', '.join(packages)} is not installed here")
        return []
    part, began = load(name), perf_counter()
    CONSOLE.print(f"{name}: {part.TITLE}")
    bench = Bench(quick=quick, threads=threads, load=Load(threads=threads), tell=CONSOLE.print)
    try:
        cases = tuple(part.measure(bench))
    except Exception:
        traceback.print_exc()
        failed.append(name)
        return []
    record = Record(part=name, machine=machine(), quick=quick, threads=threads, day=date.today().isoformat(), cases=cases)
    CONSOLE.print(f"  {perf_counter() - began:.0f} s, kept in {record.write(out)}")
    return [record]


def _kept(out: Path, name: str, quick: bool, threads: int) -> Record | None:
    """A record of an earlier start on this machine with these options."""
    path = out / f"{name}.json"
    if not path.exists():
        return None
    found = read(path)
    return found if (found.quick, found.threads, found.machine) == (quick, threads, machine()) else None


def _show(records: Sequence[Record]) -> None:
    for name, text in blocks(records).items():
        click.echo(f"## {name}\n\n{text}\n")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
