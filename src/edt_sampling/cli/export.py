"""``edt export``: the generations of a run as JSON lines."""

from __future__ import annotations

from pathlib import Path

import click

from edt_sampling.store import Reader, export


@click.command(name="export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: standard output]")
def command(run: Path, out: Path | None) -> None:
    """Write the generations of RUN, a run's folder, as JSON lines: one a text, by prompt, setting, seed and sample.

    Two runs with equal generations export the same bytes.
    """
    with Reader(run) as reader:
        done, all_of_them = len(reader.done()), len(reader.examples())
        if done < all_of_them:
            click.echo(f"edt: this run is not complete: {done} of {all_of_them} prompts are here", err=True)
        with click.open_file(str(out or "-"), "w", encoding="utf-8") as stream:
            for line in export(reader):
                stream.write(line + "\n")
